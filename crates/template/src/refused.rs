//! Functions of Consul-Template that are not offered: they reach for a Consul or Nomad server.

const CONSUL: &[&str] = &[
    "byKey",
    "byMeta",
    "byPort",
    "byTag",
    "caLeaf",
    "caRoots",
    "connect",
    "datacenters",
    "explode",
    "exportedServices",
    "importedServices",
    "key",
    "keyExists",
    "keyOrDefault",
    "ls",
    "node",
    "nodes",
    "partitions",
    "peerings",
    "safeLs",
    "safeTree",
    "service",
    "services",
    "tree",
];

const NOMAD: &[&str] = &[
    "nomadService",
    "nomadServices",
    "nomadVar",
    "nomadVarExists",
    "nomadVarList",
    "nomadVarListSafe",
];

/// Why a function is not offered, if it is one of those.
pub(crate) fn reason(name: &str) -> Option<String> {
    let server = if CONSUL.contains(&name) {
        "Consul"
    } else if NOMAD.contains(&name) {
        "Nomad"
    } else {
        return None;
    };
    Some(format!(
        "`{name}` looks up data in {server}, which templates here cannot reach; read it from Vault with `secret` instead"
    ))
}
