//! Passwords: hashing them, deriving them, encrypting with them.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroize;

use crate::encoding::{Alphabet, base64_decode, base64_encode};
use crate::functions::{Call, Failure, Function};
use crate::hash;
use crate::value::{Type, Value};

const S: &[Type] = &[Type::String];
const SS: &[Type] = &[Type::String, Type::String];
const UINT32: Type = Type::Uint(crate::value::UintType::Uint32);
const BLOCK: usize = 16;

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_bcrypt",
        "sprig_bcrypt S",
        "The bcrypt hash of S with cost 10.",
        S,
        Type::String,
        |call| Ok(bcrypt(call, call.text(0))?.into()),
    ),
    Function::new(
        "sprig_decryptAES",
        "sprig_decryptAES PW S",
        "What `sprig_encryptAES` made S of.",
        SS,
        Type::String,
        decrypt,
    ),
    Function::new(
        "sprig_derivePassword",
        "sprig_derivePassword N TYPE PW USER SITE",
        "The Master Password of the given type (`maximum long medium short basic pin`), number N.",
        &[
            UINT32,
            Type::String,
            Type::String,
            Type::String,
            Type::String,
        ],
        Type::String,
        derive,
    ),
    Function::new(
        "sprig_encryptAES",
        "sprig_encryptAES PW S",
        "S encrypted with AES-256-CBC under PW, in base 64. There is no protection against changes.",
        SS,
        Type::String,
        encrypt,
    ),
    Function::new(
        "sprig_htpasswd",
        "sprig_htpasswd U P",
        "A line for a file of passwords: U, a colon, the bcrypt hash of P.",
        SS,
        Type::String,
        |call| {
            let user = call.text(0);
            if user.contains(&b':') {
                return Ok([b"invalid username: ", &user[..]].concat().into());
            }
            Ok([&user[..], b":", bcrypt(call, call.text(1))?.as_bytes()]
                .concat()
                .into())
        },
    ),
];

/// Hashing takes tens of milliseconds, and is counted as that many steps.
const BCRYPT_STEPS: usize = 200_000;

fn bcrypt(call: &mut Call<'_>, password: &[u8]) -> Result<String, Failure> {
    if password.len() > 72 {
        return Ok(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".into(),
        );
    }
    call.spend(BCRYPT_STEPS)?;
    let mut salt = [0; 16];
    call.host().random(&mut salt)?;
    match bcrypt::hash_with_salt(password, 10, salt) {
        Ok(parts) => Ok(parts.format_for_version(bcrypt::Version::TwoA)),
        Err(_) => Err(Failure::new("failed to encrypt string with bcrypt")),
    }
}

/// The characters that a letter of a password template stands for, by the Master Password algorithm.
fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The templates of a type of password, separated by spaces.
fn templates(kind: &[u8]) -> Option<&'static str> {
    Some(match kind {
        b"maximum" => "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
        b"long" => {
            "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv \
             CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv \
             CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno"
        }
        b"medium" => "CvcnoCvc CvcCvcno",
        b"short" => "Cvcn",
        b"basic" => "aaanaaan aannaaan aaannaaa",
        b"pin" => "nnnn",
        _ => return None,
    })
}

fn derive(call: &mut Call<'_>) -> Result<Value, Failure> {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let (kind, password, user, site) = (call.text(1), call.text(2), call.text(3), call.text(4));
    let Some(templates) = templates(kind) else {
        return Ok([b"cannot find password template ", &kind[..]]
            .concat()
            .into());
    };
    call.spend(2 * BCRYPT_STEPS)?;
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    let salt = [SCOPE, &length(user), user].concat();
    let mut key = [0; 64];
    let failed = || Failure::new("failed to derive password");
    let params = scrypt::Params::new(15, 8, 2).map_err(|_| failed())?;
    scrypt::scrypt(password, &salt, &params, &mut key).map_err(|_| failed())?;
    let counter = (call.uint(0) as u32).to_be_bytes();
    let seed = hash::hmac_sha256(&key, &[SCOPE, &length(site), site, &counter].concat());
    key.zeroize();
    let all: Vec<&str> = templates.split_whitespace().collect();
    let template = all[usize::from(seed[0]) % all.len()];
    let pick = |(class, seed): (u8, &u8)| {
        let characters = characters(class);
        characters[usize::from(*seed) % characters.len()]
    };
    Ok(template
        .bytes()
        .zip(&seed[1..])
        .map(pick)
        .collect::<Vec<u8>>()
        .into())
}

/// The password cut off or filled with zeros to the length of a key, as Sprig does it.
fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password[..length]);
    let cipher = Aes256::new(&key.into());
    key.zeroize();
    cipher
}

fn encrypt(call: &mut Call<'_>) -> Result<Value, Failure> {
    let (password, text) = (call.text(0), call.text(1));
    if text.is_empty() {
        return Ok("".into());
    }
    let cipher = cipher(password);
    let mut previous = [0; BLOCK];
    call.host().random(&mut previous)?;
    let mut out = previous.to_vec();
    let fill = BLOCK - text.len() % BLOCK;
    let mut padded = text.to_vec();
    padded.resize(text.len() + fill, fill as u8);
    for block in padded.chunks_exact(BLOCK) {
        for (mixed, byte) in previous.iter_mut().zip(block) {
            *mixed ^= byte;
        }
        let mut block = previous.into();
        cipher.encrypt_block(&mut block);
        previous = block.into();
        out.extend_from_slice(&previous);
    }
    padded.zeroize();
    Ok(base64_encode(&out, Alphabet::Standard).into())
}

fn decrypt(call: &mut Call<'_>) -> Result<Value, Failure> {
    let (password, text) = (call.text(0), call.text(1));
    if text.is_empty() {
        return Ok("".into());
    }
    let bytes =
        base64_decode(text, Alphabet::Standard).map_err(|error| Failure::new(error.to_string()))?;
    let beyond =
        |what: String| Failure::new(format!("runtime error: slice bounds out of range {what}"));
    let Some((start, body)) = bytes.split_at_checked(BLOCK) else {
        // Go makes room for what the text could hold at most.
        let capacity = text.len() / 4 * 3;
        return Err(beyond(format!("[:{BLOCK}] with capacity {capacity}")));
    };
    if body.len() % BLOCK != 0 {
        return Err(Failure::new("crypto/cipher: input not full blocks"));
    }
    let cipher = cipher(password);
    let mut out = Vec::with_capacity(body.len());
    let mut previous = start;
    for block in body.chunks_exact(BLOCK) {
        let mut plain = [0; BLOCK];
        plain.copy_from_slice(block);
        let mut plain = plain.into();
        cipher.decrypt_block(&mut plain);
        out.extend(plain.iter().zip(previous).map(|(a, b)| a ^ b));
        previous = block;
    }
    let Some(fill) = out.last().copied() else {
        return Err(Failure::new("runtime error: index out of range [-1]"));
    };
    let length = out.len() as i64 - i64::from(fill);
    let length = usize::try_from(length).map_err(|_| beyond(format!("[:{length}]")))?;
    out.truncate(length);
    Ok(out.into())
}
