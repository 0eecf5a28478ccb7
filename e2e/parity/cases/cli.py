"""Other commands of the program that pods use."""

from case import Run, case


@case("cli", timed=True, differs={"requests": "`User-Agent` of a `cert` login"})
def revoke_the_token_of_the_home_folder(c: Run):
    token = c.token()
    c.put("home/.vault-token", token + "\n")
    c.command("token", "revoke", f"-address={c.address}", "-self").exit()
    c.fact("alive", c.api.alive(token))


@case("cli", timed=True, differs={"requests": "`User-Agent` of a `cert` login"})
def revoke_the_token_of_the_environment(c: Run):
    token = c.token()
    c.command("token", "revoke", "-self", env={"VAULT_TOKEN": token, "VAULT_ADDR": c.address}).exit()
    c.fact("alive", c.api.alive(token))


@case("cli", timed=True, differs={"requests": "`User-Agent` of a `cert` login"})
def revoke_a_dead_token(c: Run):
    c.command("token", "revoke", f"-address={c.address}", "-self", env={"VAULT_TOKEN": "s.AAAAAAAAAAAAAAAAAAAAAAAA"}).exit()


@case("cli", timed=True, differs={"requests": "`User-Agent` of a `cert` login"})
def revoke_without_a_server(c: Run):
    c.relay.close()
    c.command("token", "revoke", f"-address={c.address}", "-self", env={"VAULT_TOKEN": "x", "VAULT_MAX_RETRIES": "0"}).exit()


@case("cli")
def revoke_nothing(c: Run):
    c.command("token", "revoke").exit()


@case("cli")
def revoke_self_and_more(c: Run):
    c.command("token", "revoke", "-self", "x").exit()
