"""Credentials that expire: a PostgreSQL in the cluster, OpenBao's database engine, an application that logs in all the time."""

from e2e.cluster import wait_for
from e2e.images import POSTGRES
from e2e.pods import inject, pod, ready
from e2e.suite import World, expect, test

PASSWORD = "of-the-administrator"
SERVER = f"""
set -e
export PATH=$(echo /usr/lib/postgresql/*/bin):/bin TZ=UTC
echo {PASSWORD} >/tmp/password
initdb -D /tmp/data -U administrator --pwfile=/tmp/password -A scram-sha-256 --no-sync -E UTF8 --locale=C >/dev/null
echo 'host all all all scram-sha-256' >>/tmp/data/pg_hba.conf
exec postgres -D /tmp/data -h 0.0.0.0 -k /tmp -c fsync=off
"""
# One login after the other, with whatever the file says at that moment; it rests when the test must be over.
APPLICATION = """
export PATH=$(echo /usr/lib/postgresql/*/bin):/bin
n=0
while n=$((n + 1)); [ $n -lt 1500 ]; do
  read -r user password </vault/secrets/database
  if said=$(PGPASSWORD=$password psql -X -q -At -h "$SERVER" -U "$user" -d postgres -c 'select 1' 2>&1); then echo "ok $user"; else echo "REFUSED $user $said"; fi
  sleep 0.2
done
sleep infinity & wait
"""


@test()
def database_credentials_are_replaced_before_they_expire(world: World) -> None:
    server = pod("postgres", {}, image=POSTGRES, securityContext={"runAsUser": 100, "runAsGroup": 1000})
    server["spec"]["containers"][0]["command"] = ["/bin/sh", "-c", SERVER]
    world.cluster.apply(server, namespace=world.namespace)
    host = ready(world.cluster, world.namespace, "postgres")["status"]["podIP"]

    name = world.unique
    world.bao("secrets", "enable", f"-path={name}", "database")
    connect = lambda: world.bao(
        "write",
        f"{name}/config/app",
        "plugin_name=postgresql-database-plugin",
        "allowed_roles=app",
        "username=administrator",
        f"password={PASSWORD}",
        f"connection_url=postgresql://{{{{username}}}}:{{{{password}}}}@{host}:5432/postgres?sslmode=disable",
    )
    wait_for("PostgreSQL to answer OpenBao", 120, lambda: connect() or True, pause=1)
    world.bao(
        "write",
        f"{name}/roles/app",
        "db_name=app",
        "default_ttl=8s",
        "max_ttl=20s",
        "creation_statements=CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
        "renew_statements=ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}'",
    )
    world.bao.policy(name, f'path "{name}/creds/app" {{ capabilities = ["read"] }}')
    world.bao.role(name, "app", world.namespace, name)

    notes = inject(
        name,
        agent_inject_secret_database=f"{name}/creds/app",
        agent_inject_template_database=f'{{{{ with secret "{name}/creds/app" }}}}{{{{ .Data.username }}}} {{{{ .Data.password }}}}\n{{{{ end }}}}',
    )
    application = pod("app", notes, image=POSTGRES, securityContext={"runAsUser": 100, "runAsGroup": 1000})
    container = application["spec"]["containers"][0]
    container["command"], container["env"] = ["/bin/sh", "-c", APPLICATION], [{"name": "SERVER", "value": host}]
    world.cluster.apply(application, namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")

    def users() -> list[str]:
        lines = world.cluster.logs(world.namespace, "app", "app").splitlines()
        refused = [line for line in lines if line.startswith("REFUSED")]
        expect(not refused, f"{len(refused)} of {len(lines)} logins were refused, the first: {refused[:1]}")
        return sorted({line.split()[1] for line in lines})

    wait_for("a third pair of credentials", 90, lambda: len(users()) >= 3, pause=3)
    expect(len(users()) >= 3, "the credentials were not replaced")
