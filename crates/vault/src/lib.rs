//! A small client for the HTTP API of Vault and OpenBao.
