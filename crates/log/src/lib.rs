//! Log lines in the two formats that operators of Vault know.
