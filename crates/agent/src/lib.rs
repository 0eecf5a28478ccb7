//! Log in, render, renew, serve, supervise: what runs in a pod.
