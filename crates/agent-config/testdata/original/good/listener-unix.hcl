listener "unix" {
  address      = "/tmp/agent.sock"
  socket_mode  = "0600"
  socket_user  = "1000"
  socket_group = "1000"
}
