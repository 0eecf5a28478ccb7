auto_auth {
  method "x" {}
