//! What a template needs from the world, asked through one trait.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::secret::{Certificates, Secret};
use crate::value::Text;

/// Something a template asked for that has to be fetched. Its order and equality are its identity: two equal ones share
/// one fetch and one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// `secret "PATH"`: a read. `query` is the part after `?`. Who fetches may let reads that differ in it share an
    /// answer, as the reference does unless it is the `version` that differs.
    Read {
        /// The decoded path, without surrounding slashes and white space.
        path: String,
        /// The query string, `""` without one.
        query: String,
    },
    /// `secret "PATH" "k=v"...`: a write.
    Write {
        /// The path.
        path: String,
        /// The parameters; values are always strings.
        parameters: BTreeMap<String, String>,
    },
    /// `secrets "PATH"`: a listing.
    List {
        /// The path.
        path: String,
    },
    /// `pkiCert "PATH" "k=v"...`: a certificate kept in the destination file.
    Pki {
        /// The path.
        path: String,
        /// The parameters of the request.
        parameters: BTreeMap<String, String>,
    },
    /// `file "PATH"`: a local file.
    File {
        /// The path as written.
        path: String,
    },
}

/// What is known of a [`Dependency`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// A secret; `None` if a write answered nothing, as KV v1 does.
    Secret(Option<Arc<Secret>>),
    /// A certificate for `pkiCert`.
    Certificates(Arc<Certificates>),
    /// The sorted names under a path.
    List(Vec<String>),
    /// A file's content.
    File(Text),
    /// The function fails with this text.
    Failed(String),
}

/// Stands between a template and everything that is not the template: fetched data, environment, clock, randomness,
/// files, programs. Every method but [`Host::lookup`] has a default that knows nothing or refuses.
pub trait Host {
    /// What is known of `dependency`; `None` if it must be fetched first. Must not block.
    fn lookup(&self, dependency: &Dependency) -> Option<Answer>;

    /// The environment variable `name` as Consul-Template's functions see it, with what the host adds; `None` if unset.
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    /// The environment variable `name` of the process itself, which is what Sprig's functions see; `None` if unset.
    fn process_env(&self, name: &str) -> Option<String> {
        self.env(name)
    }

    /// Now: seconds and nanoseconds since 1970 in UTC.
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    /// Fills `bytes` with randomness fit for keys.
    ///
    /// # Errors
    /// There is none to be had.
    fn random(&self, _bytes: &mut [u8]) -> Result<(), String> {
        Err("no source of randomness".to_owned())
    }

    /// The addresses of a host (`sprig_getHostByName`), the one to prefer first.
    ///
    /// # Errors
    /// There are none, or names are not looked up here.
    fn resolve(&self, _name: &str) -> Result<Vec<IpAddr>, String> {
        Err("names of hosts are not looked up here".to_owned())
    }

    /// The network interfaces of this machine (`sockaddr`).
    ///
    /// # Errors
    /// They cannot be listed here.
    fn interfaces(&self) -> Result<Interfaces, String> {
        Err("the addresses of this machine are not known here".to_owned())
    }

    /// Runs a program (`plugin`) and gives its trimmed output.
    ///
    /// # Errors
    /// The text of the failure: `exec "x": exit status 1` and so on.
    fn plugin(&self, name: &str, _arguments: &[String]) -> Result<Text, String> {
        Err(format!("exec {name:?}: programs are not allowed here"))
    }

    /// Writes a file (`writeToFile`).
    ///
    /// # Errors
    /// The text of the failure.
    fn write_file(&self, _file: &WriteFile) -> Result<(), String> {
        Err("writing files is not allowed here".to_owned())
    }

    /// Debugging text for the standard output (`spew_dump`).
    fn debug_output(&self, _text: &[u8]) {}
}

/// A file that `writeToFile` asks for.
#[derive(Clone, Debug)]
pub struct WriteFile {
    /// Where.
    pub path: String,
    /// Owner: name, number, or `""` to leave it.
    pub user: String,
    /// Group: name, number, or `""` to leave it.
    pub group: String,
    /// The mode, for example 0o644.
    pub mode: u32,
    /// Whether to add to the end of the file instead of replacing it.
    pub append: bool,
    /// What to write.
    pub content: Text,
}

/// The network interfaces of a machine.
#[derive(Clone, Debug, Default)]
pub struct Interfaces {
    /// All of them, by their index.
    pub list: Vec<Interface>,
    /// The name of the one that the default route goes over.
    pub default: Option<String>,
}

/// A network interface.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// Its number, from 1 on.
    pub index: u32,
    /// The size of the largest packet, in bytes.
    pub mtu: u32,
    /// Its name, such as `eth0`.
    pub name: String,
    /// The address of its hardware; empty if it has none.
    pub hardware: Vec<u8>,
    /// The flags below.
    pub flags: u32,
    /// Its addresses, each with the number of bits of its network: those of IPv4 first.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// The flags, with the numbers of Go's `net.Flags`.
impl Interface {
    /// It is up.
    pub const UP: u32 = 1;
    /// It can send to all at once.
    pub const BROADCAST: u32 = 2;
    /// It leads back to this machine.
    pub const LOOPBACK: u32 = 4;
    /// It leads to one other machine.
    pub const POINT_TO_POINT: u32 = 8;
    /// It can send to groups.
    pub const MULTICAST: u32 = 16;
    /// It is in use.
    pub const RUNNING: u32 = 32;
}

impl Answer {
    /// Shows every text and number in it to `show`, for redaction.
    pub(crate) fn leaves(&self, show: &mut dyn FnMut(&[u8])) {
        match self {
            Self::File(text) => show(text),
            Self::Secret(Some(secret)) => secret.leaves(show),
            Self::Secret(None) => {}
            Self::Certificates(certificates) => show(certificates.key.as_bytes()),
            Self::List(_) | Self::Failed(_) => {}
        }
    }
}
