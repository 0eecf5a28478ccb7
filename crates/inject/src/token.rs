//! Which service-account token the agents log in with.

use pannier_go::quote::quote;

use crate::pod::{Mount, Pod};

/// Where the API server's own admission mounts the token.
pub(crate) const STANDARD_MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Where a token volume is mounted that no container of the pod mounts.
const OWN_MOUNT: &str = "/var/run/secrets/vault.hashicorp.com/serviceaccount";

/// A volume with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) volume: &'a str,
    pub(crate) mount_path: &'a str,
    /// The part of the volume that is mounted; empty for all of it.
    pub(crate) sub_path: &'a str,
    /// The token's file below the mount.
    pub(crate) token_path: &'a str,
}

/// Finds the token volume: the named one, or the first that a main container mounts.
pub(crate) fn find<'a>(pod: &Pod<'a>, named: &'a str) -> Result<Token<'a>, String> {
    if named.is_empty() {
        discover(pod)
    } else {
        by_name(pod, named)
    }
}

fn mounts<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = &'p Mount<'a>> {
    pod.containers
        .iter()
        .flat_map(|container| &container.mounts)
}

/// Prefers the standard path, since `serviceaccount` also stands in the paths of other tokens.
fn discover<'a>(pod: &Pod<'a>) -> Result<Token<'a>, String> {
    let standard =
        mounts(pod).find(|mount| mount.mount_path.trim_end_matches('/') == STANDARD_MOUNT);
    let found =
        standard.or_else(|| mounts(pod).find(|mount| mount.mount_path.contains("serviceaccount")));
    let mount = found.ok_or("failed to find service account volume mount")?;
    Ok(Token {
        volume: mount.name,
        mount_path: mount.mount_path,
        sub_path: mount.sub_path,
        token_path: "token",
    })
}

fn by_name<'a>(pod: &Pod<'a>, name: &'a str) -> Result<Token<'a>, String> {
    let volume = pod.volumes.iter().find(|volume| volume.name == name);
    let mount = mounts(pod).find(|mount| mount.name == name);
    let volume = match (volume, mount) {
        (Some(volume), _) => volume,
        (None, Some(_)) => {
            return Err(format!(
                "failed to find volume {} in Pod {} volumes",
                quote(name),
                quote(pod.name)
            ));
        }
        (None, None) => {
            return Err(format!(
                "failed to find service account volume {}",
                quote(name)
            ));
        }
    };
    let token_path = volume.token_path.ok_or_else(|| {
        format!(
            "failed to find tokenPath for projected volume {}",
            quote(name)
        )
    })?;
    let (mount_path, sub_path) =
        mount.map_or((OWN_MOUNT, ""), |mount| (mount.mount_path, mount.sub_path));
    Ok(Token {
        volume: name,
        mount_path,
        sub_path,
        token_path,
    })
}
