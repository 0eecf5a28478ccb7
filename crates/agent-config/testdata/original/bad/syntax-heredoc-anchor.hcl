pid_file = << EOT
x
EOT
