"""Opens the envelope of an encrypted sink: X25519, HKDF-SHA256 and AES-256-GCM.

Written out because Python's standard library has none of the three. Slow, not constant in time and never to be
used for anything but reading what an agent of a test wrote.
"""

import base64
import hashlib
import hmac
import os

P = 2**255 - 19


def x25519(scalar: bytes, point: bytes) -> bytes:
    """RFC 7748, section 5."""
    k = int.from_bytes(scalar, "little") & ~7 & ~(1 << 255) | (1 << 254)
    x1 = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = (k >> t) & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = (x2 + z2) % P, (x2 - z2) % P, (x3 + z3) % P, (x3 - z3) % P
        da, cb, aa, bb = d * a % P, c * b % P, a * a % P, b * b % P
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        e = (aa - bb) % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def key_pair() -> tuple[bytes, bytes]:
    private = os.urandom(32)
    return private, x25519(private, (9).to_bytes(32, "little"))


def _multiply(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _sbox() -> bytes:
    table = bytearray(256)
    for value in range(256):
        inverse = next((i for i in range(256) if _multiply(value, i) == 1), 0)
        result = 0x63
        for shift in range(5):
            result ^= ((inverse << shift) | (inverse >> (8 - shift))) & 0xFF
        table[value] = result
    return bytes(table)


SBOX = _sbox()


def _expand(key: bytes) -> list[bytes]:
    words = [key[i:i + 4] for i in range(0, 32, 4)]
    constant = 1
    for i in range(8, 60):
        word = words[-1]
        if i % 8 == 0:
            word = bytes(SBOX[b] for b in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _multiply(constant, 2)
        elif i % 8 == 4:
            word = bytes(SBOX[b] for b in word)
        words.append(bytes(a ^ b for a, b in zip(word, words[-8])))
    return [b"".join(words[i:i + 4]) for i in range(0, 60, 4)]


def _aes(rounds: list[bytes], block: bytes) -> bytes:
    """FIPS 197, cipher with a 256 bit key."""
    state = bytes(a ^ b for a, b in zip(block, rounds[0]))
    for number, key in enumerate(rounds[1:], 1):
        state = bytes(SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16))
        if number < 14:
            mixed = bytearray()
            for column in range(0, 16, 4):
                c = state[column:column + 4]
                for i in range(4):
                    mixed.append(_multiply(c[i], 2) ^ _multiply(c[(i + 1) % 4], 3) ^ c[(i + 2) % 4] ^ c[(i + 3) % 4])
            state = bytes(mixed)
        state = bytes(a ^ b for a, b in zip(state, key))
    return state


def aes_gcm_open(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    """NIST SP 800-38D with a 12 byte nonce; raises on a wrong tag."""
    rounds = _expand(key)
    h = int.from_bytes(_aes(rounds, bytes(16)), "big")

    def times(x: int) -> int:
        z, v = 0, h
        for i in reversed(range(128)):
            if (x >> i) & 1:
                z ^= v
            v = (v >> 1) ^ (0xE1 << 120 if v & 1 else 0)
        return z

    text, tag = sealed[:-16], sealed[-16:]
    digest = 0
    for part in (aad, text):
        for start in range(0, len(part), 16):
            digest = times(digest ^ int.from_bytes(part[start:start + 16].ljust(16, b"\0"), "big"))
    digest = times(digest ^ (len(aad) * 8 << 64 | len(text) * 8))
    mask = _aes(rounds, nonce + b"\0\0\0\1")
    if not hmac.compare_digest(bytes(a ^ b for a, b in zip(mask, digest.to_bytes(16, "big"))), tag):
        raise ValueError("the tag does not fit")
    plain = bytearray()
    for number, start in enumerate(range(0, len(text), 16), 2):
        stream = _aes(rounds, nonce + number.to_bytes(4, "big"))
        plain += bytes(a ^ b for a, b in zip(text[start:start + 16], stream))
    return bytes(plain)


def open_envelope(envelope: dict, private: bytes, public: bytes, derive: bool, aad: bytes) -> bytes:
    """The plain text of a sink file that was encrypted for the key pair."""
    theirs = base64.b64decode(envelope["curve25519_public_key"])
    key = x25519(private, theirs)
    if derive:
        low, high = sorted((public, theirs))
        extracted = hmac.new(low, key, hashlib.sha256).digest()
        key = hmac.new(extracted, high + b"\1", hashlib.sha256).digest()
    return aes_gcm_open(key, base64.b64decode(envelope["nonce"]), base64.b64decode(envelope["encrypted_payload"]), aad)
