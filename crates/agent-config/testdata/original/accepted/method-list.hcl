auto_auth {
  method = [{ type = "kubernetes", config = { role = "x" } }]
  sink = { type = "file", config = { path = "/x" } }
}
