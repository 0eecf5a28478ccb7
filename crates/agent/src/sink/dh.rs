//! Encrypts what a sink writes for the holder of one key: X25519, then AES-256-GCM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;
use pannier_vault::random;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::SystemRandom;
use zeroize::Zeroizing;

/// The exchange with one reader. Both public keys stay the same for the life of the process, so the key does too.
#[derive(Debug)]
pub(super) struct Exchange {
    path: String,
    derive: bool,
    aad: String,
    agreed: Option<Agreed>,
}

#[derive(Debug)]
struct Agreed {
    key: LessSafeKey,
    /// Ours, base64.
    public: String,
}

/// Tells ring how many bytes to derive.
struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Exchange {
    pub(super) fn new(path: &str, derive: bool, aad: String) -> Self {
        Self {
            path: path.to_owned(),
            derive,
            aad,
            agreed: None,
        }
    }

    /// The envelope as one line of JSON.
    pub(super) fn encrypt(&mut self, plain: &Redacted) -> Result<Redacted, String> {
        let agreed = match self.agreed.take() {
            Some(agreed) => agreed,
            None => agree(&theirs(&self.path)?, self.derive)?,
        };
        let agreed = self.agreed.insert(agreed);
        let mut nonce = [0; 12];
        random::fill(&mut nonce);
        // Encrypted in place: the plain bytes are overwritten.
        let mut bytes = Vec::with_capacity(plain.len() + 16);
        bytes.extend_from_slice(plain.expose_bytes());
        agreed
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.aad.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| "error encrypting with shared key".to_owned())?;
        Ok(Redacted::from(format!(
            "{{\"curve25519_public_key\":\"{}\",\"nonce\":\"{}\",\"encrypted_payload\":\"{}\"}}\n",
            agreed.public,
            STANDARD.encode(nonce),
            STANDARD.encode(&bytes),
        )))
    }
}

/// Reads the other side's public key.
fn theirs(path: &str) -> Result<[u8; 32], String> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err("no dh parameters file found, and no cached pub key".to_owned());
        }
        Err(error) => {
            return Err(format!(
                "error reading dh parameters file {path}: {}",
                crate::files::words(&error)
            ));
        }
        Ok(text) => text,
    };
    let wrong = |what: &str| format!("dh parameters file {path}: {what}");
    let parsed = json::decode(&text).map_err(|error| wrong(&error.to_string()))?;
    let key = parsed.get("curve25519_public_key").and_then(Json::as_str);
    let key = key.ok_or_else(|| wrong("expected `curve25519_public_key`"))?;
    let key = STANDARD
        .decode(key)
        .map_err(|error| wrong(&error.to_string()))?;
    <[u8; 32]>::try_from(key).map_err(|_| wrong("expected a key of 32 bytes"))
}

fn agree(theirs: &[u8; 32], derive: bool) -> Result<Agreed, String> {
    let failed = |_| "error generating shared key".to_owned();
    let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(failed)?;
    let ours = private.compute_public_key().map_err(failed)?;
    let ours = ours.as_ref();
    let peer = UnparsedPublicKey::new(&X25519, theirs);
    let key = agree_ephemeral(private, &peer, |secret| {
        let mut key = Zeroizing::new([0; 32]);
        if derive {
            let (first, second) = if ours < &theirs[..] {
                (ours, &theirs[..])
            } else {
                (&theirs[..], ours)
            };
            let info = [second];
            let derived = Salt::new(HKDF_SHA256, first).extract(secret);
            derived
                .expand(&info, Bytes32)
                .and_then(|okm| okm.fill(&mut *key))?;
        } else {
            key.copy_from_slice(secret);
        }
        UnboundKey::new(&AES_256_GCM, &*key)
    });
    let key = key.map_err(failed)?.map_err(failed)?;
    Ok(Agreed {
        key: LessSafeKey::new(key),
        public: STANDARD.encode(ours),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// The reader's half, with the roles swapped.
    fn open(
        private: EphemeralPrivateKey,
        envelope: &str,
        derive: bool,
        aad: &str,
    ) -> Option<Vec<u8>> {
        let envelope = json::decode(envelope).unwrap();
        let bytes = |name: &str| {
            STANDARD
                .decode(envelope.get(name).unwrap().as_str().unwrap())
                .unwrap()
        };
        let ours = private.compute_public_key().unwrap();
        let theirs = bytes("curve25519_public_key");
        let key = agree_ephemeral(
            private,
            &UnparsedPublicKey::new(&X25519, &theirs),
            |secret| {
                if !derive {
                    return secret.to_vec();
                }
                let mut pair = [ours.as_ref(), &theirs[..]];
                pair.sort_unstable();
                let mut key = vec![0; 32];
                let prk = Salt::new(HKDF_SHA256, pair[0]).extract(secret);
                prk.expand(&[pair[1]], Bytes32)
                    .unwrap()
                    .fill(&mut key)
                    .unwrap();
                key
            },
        );
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key.unwrap()).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&bytes("nonce")).unwrap();
        let mut payload = bytes("encrypted_payload");
        key.open_in_place(nonce, Aad::from(aad.as_bytes()), &mut payload)
            .ok()
            .map(|plain| plain.to_vec())
    }

    #[test]
    fn only_the_reader_can_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dh.json");
        let exchange = |derive| Exchange::new(path.to_str().unwrap(), derive, "pod-1".to_owned());
        assert_eq!(
            exchange(true).encrypt(&"t".into()).unwrap_err(),
            "no dh parameters file found, and no cached pub key"
        );
        for derive in [true, false] {
            for aad in ["pod-1", "pod-2"] {
                let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).unwrap();
                let public = STANDARD.encode(private.compute_public_key().unwrap());
                std::fs::write(&path, format!("{{\"curve25519_public_key\":\"{public}\"}}"))
                    .unwrap();
                let mut exchange = exchange(derive);
                let envelope = exchange.encrypt(&"hvs.token".into()).unwrap();
                assert!(envelope.expose().ends_with("}\n") && !envelope.expose().contains("hvs."));
                // The file may go; the key stays for the life of the process, the nonce does not.
                std::fs::remove_file(&path).unwrap();
                let again = exchange.encrypt(&"hvs.token".into()).unwrap();
                assert_ne!(envelope, again);
                let opened = open(private, again.expose(), derive, aad);
                assert_eq!(opened, (aad == "pod-1").then(|| b"hvs.token".to_vec()));
            }
        }
    }

    #[test]
    fn a_bad_parameters_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dh.json");
        for text in [
            "",
            "{}",
            "{\"curve25519_public_key\":\"!\"}",
            "{\"curve25519_public_key\":\"YQ==\"}",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Exchange::new(path.to_str().unwrap(), true, String::new())
                .encrypt(&"t".into())
                .unwrap_err();
            assert!(
                error.starts_with("dh parameters file ") && error.contains("dh.json"),
                "{error}"
            );
        }
    }
}
