//! Go's text/template with the functions of Consul-Template and Sprig; no I/O.
