log_level = "debug"
log_format = "json"
log_file = "/tmp/agent.log"
log_rotate_bytes = "1024"
log_rotate_duration = "1h"
log_rotate_max_files = 3
auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    config = {
      path = "/tmp/token"
    }
  }
}
