//! The admission server: TLS, certificates, metrics; the only crate that links kube.
