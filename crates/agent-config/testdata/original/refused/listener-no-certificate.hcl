listener "tcp" {}
