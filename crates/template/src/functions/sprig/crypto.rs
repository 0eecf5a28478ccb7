//! Keys and certificates.
//!
//! RSA keys are made with the randomness of the host; keys of elliptic curves, and the signatures, with that of the
//! operating system, which the library insists on.

use std::any::Any;
use std::convert::Infallible;
use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SanType, SerialNumber,
};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};

use super::pem;
use super::text::text_of;
use crate::encoding::{Alphabet, base64_decode};
use crate::functions::{Call, Failure, Function, Host};
use crate::value::{List, Object, Shape, Type, Value};

const TYPE: Type = Type::Struct("sprig.certificate");
const DAY: i64 = 86_400;
/// Making a key of 2048 bits takes a good part of a second; that many steps leave room for a few.
const KEY_STEPS: usize = 1_000_000;

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_buildCustomCert",
        "sprig_buildCustomCert CERT KEY",
        "A certificate and its key from base 64, as a value with `.Cert` and `.Key`.",
        &[Type::String, Type::String],
        TYPE,
        build_custom,
    ),
    Function::new(
        "sprig_genCA",
        "sprig_genCA CN DAYS",
        "A new certificate authority with an RSA key: `.Cert` and `.Key`.",
        &[Type::String, Type::INT],
        TYPE,
        |call| {
            let wanted = Wanted::authority(call)?;
            let key = new_rsa_key(call, 2048)?;
            wanted.self_signed(call, key)
        },
    ),
    Function::new(
        "sprig_genCAWithKey",
        "sprig_genCAWithKey CN DAYS KEY",
        "A new certificate authority with the given key.",
        &[Type::String, Type::INT, Type::String],
        TYPE,
        |call| {
            let key = Key::from_pem(&call.str(2))?;
            Wanted::authority(call)?.self_signed(call, key)
        },
    ),
    Function::new(
        "sprig_genPrivateKey",
        "sprig_genPrivateKey KIND",
        "A new private key in PEM; KIND is `rsa`, `ecdsa` or `ed25519`.",
        &[Type::String],
        Type::String,
        private_key,
    ),
    Function::new(
        "sprig_genSelfSignedCert",
        "sprig_genSelfSignedCert CN IPS NAMES DAYS",
        "A new certificate signed with its own RSA key.",
        &[Type::String, Type::ANY_LIST, Type::ANY_LIST, Type::INT],
        TYPE,
        |call| {
            let wanted = Wanted::leaf(call)?;
            let key = new_rsa_key(call, 2048)?;
            wanted.self_signed(call, key)
        },
    ),
    Function::new(
        "sprig_genSelfSignedCertWithKey",
        "sprig_genSelfSignedCertWithKey CN IPS NAMES DAYS KEY",
        "A new certificate signed with the given key.",
        &[
            Type::String,
            Type::ANY_LIST,
            Type::ANY_LIST,
            Type::INT,
            Type::String,
        ],
        TYPE,
        |call| {
            let wanted = Wanted::leaf(call)?;
            let key = Key::from_pem(&call.str(4))?;
            wanted.self_signed(call, key)
        },
    ),
    Function::new(
        "sprig_genSignedCert",
        "sprig_genSignedCert CN IPS NAMES DAYS CA",
        "A new certificate with an RSA key, signed by CA.",
        &[
            Type::String,
            Type::ANY_LIST,
            Type::ANY_LIST,
            Type::INT,
            TYPE,
        ],
        TYPE,
        |call| {
            let wanted = Wanted::leaf(call)?;
            let key = new_rsa_key(call, 2048)?;
            wanted.signed(call, key)
        },
    ),
    Function::new(
        "sprig_genSignedCertWithKey",
        "sprig_genSignedCertWithKey CN IPS NAMES DAYS CA KEY",
        "A new certificate with the given key, signed by CA.",
        &[
            Type::String,
            Type::ANY_LIST,
            Type::ANY_LIST,
            Type::INT,
            TYPE,
            Type::String,
        ],
        TYPE,
        |call| {
            let wanted = Wanted::leaf(call)?;
            let key = Key::from_pem(&call.str(5))?;
            wanted.signed(call, key)
        },
    ),
];

/// `sprig.certificate`.
struct Certificate {
    cert: String,
    key: String,
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn shape(&self) -> Shape {
        Shape::Struct
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Cert", self.cert.as_str().into()),
            ("Key", self.key.as_str().into()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A private key with the PEM text that the template sees.
struct Key {
    pair: KeyPair,
    pem: String,
}

impl Key {
    fn from_pem(text: &str) -> Result<Self, Failure> {
        let failed = |what: &str| Failure::new(format!("parsing private key: {what}"));
        let (label, der) = pem::decode(text).ok_or_else(|| failed("no PEM data in input"))?;
        let pkcs8 = match label.as_str() {
            "PRIVATE KEY" => der,
            "RSA PRIVATE KEY" => pem::pkcs8(pem::RSA, &der),
            "EC PRIVATE KEY" => pem::pkcs8(pem::EC_P256, &der),
            other => return Err(failed(&format!("unsupported key type {other}"))),
        };
        let pair = KeyPair::try_from(pkcs8).map_err(|error| failed(&error.to_string()))?;
        Ok(Self {
            pair,
            pem: text.to_owned(),
        })
    }
}

/// The host's randomness for the library that makes RSA keys; a failure is remembered, as the trait has no room for it.
struct Randomness<'h> {
    host: &'h dyn Host,
    failed: Option<String>,
}

impl TryRng for Randomness<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if let Err(error) = self.host.random(bytes) {
            self.failed.get_or_insert(error);
            // Without this a search for primes in nothing but zeros would not end.
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = (i as u8).wrapping_mul(167).wrapping_add(13);
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Randomness<'_> {}

fn new_rsa_key(call: &mut Call<'_>, bits: usize) -> Result<Key, Failure> {
    // The work grows with about the fourth power of the length.
    call.spend(KEY_STEPS * (bits / 1024).pow(2) / 4)?;
    // A source that fails is asked before the search begins.
    call.host().random(&mut [0; 32])?;
    let mut randomness = Randomness {
        host: call.host(),
        failed: None,
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("failed to generate private key: {error}"))
    };
    let key = rsa::PrivateKey::new(&mut randomness, bits).map_err(|error| failed(&error))?;
    if let Some(error) = randomness.failed {
        return Err(failed(&error));
    }
    let der = key.to_pkcs1_der().map_err(|error| failed(&error))?;
    let pair =
        KeyPair::try_from(pem::pkcs8(pem::RSA, der.as_bytes())).map_err(|error| failed(&error))?;
    Ok(Key {
        pair,
        pem: pem::encode("RSA PRIVATE KEY", der.as_bytes()),
    })
}

fn private_key(call: &mut Call<'_>) -> Result<Value, Failure> {
    let failed =
        |error: rcgen::Error| Failure::new(format!("failed to generate private key: {error}"));
    match call.text(0).as_bytes() {
        b"" | b"rsa" => Ok(new_rsa_key(call, 4096)?.pem.into()),
        b"ecdsa" => {
            let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
            let inner = pem::inner_key(pair.serialized_der()).unwrap_or_default();
            Ok(pem::encode("EC PRIVATE KEY", &pem::with_curve(inner)).into())
        }
        b"ed25519" => {
            let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(failed)?;
            // The seed alone, as Go writes it; the library adds the public key.
            let inner = pem::inner_key(pair.serialized_der()).unwrap_or_default();
            Ok(pem::encode("PRIVATE KEY", &pem::pkcs8(pem::ED25519, inner)).into())
        }
        b"dsa" => Err(Failure::new(
            "DSA keys are not offered, since hardly anything takes them any more; use `ed25519`",
        )),
        other => Ok([b"Unknown type ", other].concat().into()),
    }
}

/// What a certificate is to say.
struct Wanted(CertificateParams);

impl Wanted {
    fn new(call: &mut Call<'_>, days: i64, alternatives: Vec<SanType>) -> Result<Self, Failure> {
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, call.str(0).into_owned());
        params.distinguished_name = name;
        params.subject_alt_names = alternatives;
        let (now, _) = call.host().now();
        let date = |seconds: i64| {
            time::OffsetDateTime::from_unix_timestamp(seconds)
                .map_err(|_| Failure::new("the certificate would last too long"))
        };
        params.not_before = date(now)?;
        params.not_after = date(now.saturating_add(days.saturating_mul(DAY)))?;
        let mut serial = [0; 16];
        call.host().random(&mut serial)?;
        serial[0] &= 0x7f;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.is_ca = IsCa::ExplicitNoCa;
        Ok(Self(params))
    }

    /// Arguments: name, days.
    fn authority(call: &mut Call<'_>) -> Result<Self, Failure> {
        let mut wanted = Self::new(call, call.int(1), Vec::new())?;
        wanted.0.key_usages.push(KeyUsagePurpose::KeyCertSign);
        wanted.0.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(wanted)
    }

    /// Arguments: name, IP addresses, further names, days.
    fn leaf(call: &mut Call<'_>) -> Result<Self, Failure> {
        let mut alternatives = Vec::new();
        for ip in texts(call.list(1), "error parsing ip")? {
            let address: IpAddr = ip
                .parse()
                .map_err(|_| Failure::new(format!("error parsing ip: {ip}")))?;
            alternatives.push(SanType::IpAddress(address));
        }
        for name in texts(call.list(2), "error processing alternate dns name")? {
            let name = name.as_str().try_into().map_err(|_| {
                Failure::new(format!(
                    "error creating certificate: x509: {name:?} cannot be encoded as an IA5String"
                ))
            })?;
            alternatives.push(SanType::DnsName(name));
        }
        Self::new(call, call.int(3), alternatives)
    }

    fn self_signed(self, call: &mut Call<'_>, key: Key) -> Result<Value, Failure> {
        call.spend(1_000)?;
        let cert = self.0.self_signed(&key.pair).map_err(failed)?;
        Ok(Value::object(Certificate {
            cert: pem::encode("CERTIFICATE", cert.der()),
            key: key.pem,
        }))
    }

    /// Argument 4 is the authority.
    fn signed(self, call: &mut Call<'_>, key: Key) -> Result<Value, Failure> {
        let ca = match call.arg(4) {
            Value::Object(object) => object.as_any().downcast_ref::<Certificate>(),
            _ => None,
        };
        let ca = ca.ok_or_else(|| Failure::new("unable to decode CA certificate"))?;
        let ca_key = Key::from_pem(&ca.key)?;
        let issuer = Issuer::from_ca_cert_pem(&ca.cert, ca_key.pair).map_err(failed)?;
        let cert = self.0.signed_by(&key.pair, &issuer).map_err(failed)?;
        Ok(Value::object(Certificate {
            cert: pem::encode("CERTIFICATE", cert.der()),
            key: key.pem,
        }))
    }
}

fn failed(error: rcgen::Error) -> Failure {
    Failure::new(format!("error creating certificate: {error}"))
}

fn texts(list: &List, what: &str) -> Result<Vec<String>, Failure> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.to_lossy().into_owned()),
        value => {
            let shown = String::from_utf8_lossy(&text_of(value)?).into_owned();
            Err(Failure::new(format!("{what}: {shown} is not a string")))
        }
    };
    list.items().iter().map(text).collect()
}

fn build_custom(call: &mut Call<'_>) -> Result<Value, Failure> {
    let decoded = |i: usize, what: &str| {
        let bytes = base64_decode(call.text(i), Alphabet::Standard);
        bytes.map_err(|_| Failure::new(format!("unable to decode base64 {what}")))
    };
    let (cert, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (cert, key) = (text(&cert), text(&key));
    if pem::decode(&cert).is_none() {
        return Err(Failure::new("unable to decode certificate"));
    }
    Key::from_pem(&key).map_err(|error| Failure::new(format!("error {error}")))?;
    Ok(Value::object(Certificate { cert, key }))
}
