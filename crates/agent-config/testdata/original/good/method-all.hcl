auto_auth {
  method "approle" {
    mount_path = "auth/approle"
    namespace = "/ns1/"
    min_backoff = "2s"
    max_backoff = 60
    exit_on_err = true
    config {
      role_id_file_path = "/r"
      secret_id_file_path = "/s"
      remove_secret_id_file_after_reading = false
    }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
