"""Templates: what is read, what is written, and how."""

import os
import signal

from case import Run, case


def render(c: Run, *templates: dict, sinks=None, method=None, wait=True, seconds=20, **config):
    """One pass of an init agent.

    Templates that need no data are done so fast that the original sometimes ends before its sink is written; they
    get none.
    """
    # A list, because an object with nothing but an object in it reads as labels (agent behaviour, section 2.3).
    auth = {"method": [method or c.approle()]}
    if sinks is None:
        sinks = any("secret" in each.get("contents", "") for each in templates)
    if sinks:
        auth["sink"] = [c.sink()]
    agent = c.agent({"auto_auth": auth, "template": list(templates), "exit_after_auth": True, **config})
    if wait:
        agent.exit(seconds)
    return agent


def sidecar(c: Run, *templates: dict, **config):
    return c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "template": list(templates), **config})


def strict(c: Run) -> dict:
    return {"template_config": {"exit_on_retry_failure": True}, "vault": {"address": c.address, "retry": {"num_retries": -1}}}


@case("templates")
def kv2(c: Run):
    c.secret("app", user="u", password="p")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}:{{{{ .Data.data.password }}}}{{{{ end }}}}'))


@case("templates")
def kv2_with_data_in_its_path(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "kv2/data/{c.case.name}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))


@case("templates")
def kv2_version(c: Run):
    c.secret("app", user="first")
    c.secret("app", user="second")
    render(c, c.template(f'{{{{ with secret "{c.data}/app?version=1" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}} '
                         f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))


@case("templates")
def kv2_metadata(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "kv2/metadata/{c.case.name}/app" }}}}{{{{ .Data.current_version }}}}{{{{ end }}}}'))


@case("templates")
def kv2_at_a_deep_mount(c: Run):
    c.api.write("deep/er/kv2/data/x/app", data={"user": "deep"})
    render(c, c.template('{{ with secret "deep/er/kv2/x/app" }}{{ .Data.data.user }}{{ end }}'))


@case("templates")
def kv1(c: Run):
    c.secret1("app", user="u", port=5432)
    render(c, c.template(f'{{{{ with secret "{c.data1}/app" }}}}{{{{ .Data.user }}}} {{{{ .Data.port }}}} {{{{ .LeaseDuration }}}}{{{{ end }}}}'))


@case("templates")
def kv1_when_the_mounts_call_is_forbidden(c: Run):
    # The token may read the secret but not ask which kind of mount it is on.
    c.secret("app", user="u")
    c.api.policy(c.case.name, f'path "kv2/data/{c.case.name}/*" {{ capabilities = ["read"] }}\n'
                              'path "sys/internal/ui/mounts/*" { capabilities = ["deny"] }')
    c.put("in/token", c.token(policies=[c.case.name]))
    render(c, c.template(f'{{{{ with secret "kv2/data/{c.case.name}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'),
           method={"type": "token_file", "config": {"token_file_path": str(c.path("in/token"))}})


@case("templates")
def one_secret_twice_is_one_request(c: Run):
    c.secret("app", user="u")
    text = f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'
    render(c, c.template(text), c.template(text + text, "out/second"))


@case("templates")
def list_and_read_each(c: Run):
    for name in ("a", "b", "c"):
        c.secret(name, value=name * 2)
    render(c, c.template(f'{{{{ range secrets "{c.data}/" }}}}{{{{ . }}}}={{{{ with secret (printf "{c.data}/%s" .) }}}}'
                         '{{ .Data.data.value }}{{ end }};{{ end }}'))


@case("templates")
def list_of_kv1(c: Run):
    for name in ("z", "a/b"):
        c.secret1(name, value=1)
    render(c, c.template(f'{{{{ secrets "{c.data1}/" }}}}'))


@case("templates")
def list_of_nothing(c: Run):
    # An empty list is an answer; the first pass, without data, looks the same but is not written.
    render(c, c.template(f'[{{{{ range secrets "{c.data}/none/" }}}}{{{{ . }}}}{{{{ end }}}}]'))


@case("templates")
def a_chain_of_secrets(c: Run):
    c.secret("one", next="two")
    c.secret("two", next="three")
    c.secret("three", value="end")
    read = f'secret (printf "{c.data}/%s" .Data.data.next)'
    render(c, c.template(f'{{{{ with secret "{c.data}/one" }}}}{{{{ with {read} }}}}{{{{ with {read} }}}}{{{{ .Data.data.value }}}}{{{{ end }}}}{{{{ end }}}}{{{{ end }}}}'))


@case("templates")
def twenty_secrets(c: Run):
    for number in range(20):
        c.secret(f"s{number}", value=number)
    render(c, *[c.template(f'{{{{ with secret "{c.data}/s{n}" }}}}{{{{ .Data.data.value }}}}{{{{ end }}}}', f"out/s{n}") for n in range(20)])


@case("templates")
def write_with_parameters(c: Run):
    render(c, c.template('{{ with secret "sys/tools/hash" "input=YWJj" "algorithm=sha2-256" }}{{ .Data.sum }}{{ end }}'))


@case("templates")
def write_to_kv2(c: Run):
    render(c, c.template(f'{{{{ with secret "{c.data}/new" "a = 1" "b=2" }}}}{{{{ .Data.version }}}}{{{{ end }}}}'))
    c.fact("written", c.api.read(f"kv2/data/{c.case.name}/new")["data"]["data"])


# A write without an answer is done once or twice by the original, depending on which of two loops wins.
@case("templates", races=["requests"])
def write_to_kv1_answers_nothing(c: Run):
    render(c, c.template(f'{{{{ with secret "{c.data1}/new" "a=1" }}}}some{{{{ else }}}}none{{{{ end }}}}'))
    c.fact("written", c.api.read(f"kv1/{c.case.name}/new")["data"])


@case("templates")
def pki_by_secret(c: Run):
    render(c, c.template('{{ with secret "pki/issue/web" "common_name=app.example" "ttl=24h" }}{{ .Data.certificate }}\n{{ .Data.private_key }}\n{{ .Data.issuing_ca }}{{ end }}'))


@case("templates", differs=dict.fromkeys(['facts', 'requests', 'methods', 'log'], 'a token in a plain file sink'))
def pki_cert(c: Run):
    text = ('{{ with pkiCert "pki/issue/web" "common_name=app.example" "ttl=24h" }}{{ .Cert }}{{ .CA }}{{ .Key }}'
            '{{ .Key | writeToFile "@/out/key" "" "" "0600" }}{{ end }}').replace("@", str(c.dir))
    render(c, c.template(text))
    first = c.path("out/rendered").read_text()
    render(c, c.template(text))
    c.fact("a restart issues nothing", c.path("out/rendered").read_text() == first)


@case("templates", differs=dict.fromkeys(['facts', 'requests', 'methods', 'log'], 'a token in a plain file sink'))
def pki_cert_without_its_key_after_a_restart(c: Run):
    text = '{{ with pkiCert "pki/issue/web" "common_name=app.example" "ttl=24h" }}{{ .Cert }}{{ .CA }}{{ len .Key | lt 0 }}{{ end }}'
    render(c, c.template(text))
    render(c, c.template(text))


@case("templates")
def created_token_is_an_auth_answer(c: Run):
    render(c, c.template('{{ with secret "auth/token/create" "ttl=60s" "policies=kv-only" }}{{ .Auth.ClientToken }} {{ .Auth.LeaseDuration }} {{ .Auth.Renewable }}{{ end }}'))


@case("templates")
def wrapped_secret(c: Run):
    c.put("in/wrapped", c.api.call("PUT", "auth/token/create", {"ttl": "60s"}, headers={"X-Vault-Wrap-TTL": "60s"})["wrap_info"]["token"])
    render(c, c.template('{{ with file "@/in/wrapped" }}{{ with secret "sys/wrapping/unwrap" (printf "token=%s" .) }}{{ .Auth.LeaseDuration }}{{ end }}{{ end }}'.replace("@", str(c.dir))))


@case("templates")
def no_data_at_all(c: Run):
    render(c, c.template('plain {{ 1 }} text\n'))


@case("templates")
def source_file(c: Run):
    c.secret("app", user="u")
    source = c.put("in/app.tpl", f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}\n')
    render(c, {"source": source, "destination": str(c.path("out/rendered"))})


@case("templates")
def own_delimiters(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'<< with secret "{c.data}/app" >><< .Data.data.user >>{{{{ kept }}}}<< end >>', left_delimiter="<<", right_delimiter=">>"))


@case("templates")
def perms_as_text(c: Run):
    render(c, c.template("x", perms="0600"))


@case("templates")
def perms_as_number(c: Run):
    render(c, c.template("x", perms=0o440))


@case("templates")
def perms_with_a_bad_digit(c: Run):
    render(c, c.template("x", perms="999"))


@case("templates")
def perms_ignore_the_umask(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "template": [c.template("x", perms="0666"), c.template("y", "out/sub/second")],
             "exit_after_auth": True}, umask=0o077).exit()


@case("templates")
def mode_of_an_existing_file_is_kept(c: Run):
    c.put("out/rendered", "old", 0o611)
    render(c, c.template("new"))


@case("templates", only_root=True)
def owner_of_an_existing_file_is_kept(c: Run):
    c.put("out/rendered", "old", 0o640)
    os.chown(c.path("out/rendered"), 1111, 2222)
    render(c, c.template("new"))


@case("templates", only_root=True)
def owner_by_name(c: Run):
    render(c, c.template("x", user="nobody", group="nogroup"))


@case("templates", only_root=True)
def owner_by_number(c: Run):
    render(c, c.template("x", uid=1234, gid=2345), c.template("y", "out/second", user="1234", group="2345"))


@case("templates")
def unknown_owner(c: Run):
    render(c, c.template("x", user="nobody-of-that-name"), **strict(c))


@case("templates")
def backup_of_the_old_file(c: Run):
    c.put("out/rendered", "old")
    render(c, c.template("new", backup=True))


@case("templates")
def backup_replaces_an_older_backup(c: Run):
    c.put("out/rendered.bak", "oldest")
    c.put("out/rendered", "old")
    render(c, c.template("new", backup=True))


@case("templates")
def backup_without_an_old_file(c: Run):
    render(c, c.template("new", backup=True))


@case("templates")
def identical_content_is_not_written(c: Run):
    c.put("out/rendered", "same", 0o604)
    before = c.path("out/rendered").stat()
    render(c, c.template("same", command=f"touch {c.path('out/ran')}"))
    after = c.path("out/rendered").stat()
    c.fact("untouched", (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns))


@case("templates")
def identical_content_with_other_perms(c: Run):
    c.put("out/rendered", "same", 0o604)
    render(c, c.template("same", perms="0600"))


@case("templates")
def folders_are_created(c: Run):
    render(c, c.template("x", "out/a/b/c"))


@case("templates")
def folders_are_not_created_if_told(c: Run):
    render(c, c.template("x", "out/a/b/c", create_dest_dirs=False), **strict(c))


@case("templates")
def destination_that_is_a_link(c: Run):
    c.put("out/target", "old", 0o600)
    c.path("out/rendered").symlink_to("target")
    render(c, c.template("new"))


@case("templates")
def destination_that_is_a_folder(c: Run):
    c.path("out/rendered").mkdir()
    render(c, c.template("new"), **strict(c))


@case("templates")
def destination_is_required(c: Run):
    render(c, {"contents": "x"}, **strict(c))


@case("templates", races=["requests", "methods", "log", "files"], differs=dict.fromkeys(['stdout', 'log', 'files'], 'wrong values that `vault agent` meets'))
def source_and_contents_exclude_each_other(c: Run):
    render(c, c.template("x", source="/x"))


@case("templates", races=["requests", "methods", "log", "files"], differs=dict.fromkeys(['stdout', 'log', 'files'], 'wrong values that `vault agent` meets'))
def source_or_contents_is_required(c: Run):
    render(c, {"destination": "/x"})


@case("templates", races=["requests", "methods", "log", "files"])
def source_that_does_not_exist(c: Run):
    render(c, {"source": str(c.path("in/none")), "destination": "/x"})


@case("templates", races=["log", "files", "requests"])
def a_parse_error(c: Run):
    render(c, c.template("a\n{{ nope }}"), **strict(c))


@case("templates")
def an_execution_error(c: Run):
    c.secret("app", port=5432)
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.port | toUpper }}}}{{{{ end }}}}'), **strict(c))


@case("templates")
def a_missing_key_prints_no_value(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.nope }}}}{{{{ end }}}}'))


@case("templates")
def a_missing_key_is_an_error_if_told(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.nope }}}}{{{{ end }}}}', error_on_missing_key=True), **strict(c))


@case("templates", timed=True)
def error_fatal_false_lets_the_others_go_on(c: Run):
    c.secret("app", user="u")
    agent = sidecar(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ parseInt "x" }}}}{{{{ end }}}}', "out/bad", error_fatal=False),
                    c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))
    c.until_file("out/rendered", "u")
    c.until_logged("renewed auth token")
    agent.terminate()


@case("templates", races=["log", "files", "requests"])
def denied_function(c: Run):
    render(c, c.template('{{ env "HOME" }}', function_denylist=["env"]), **strict(c))


@case("templates", races=["log", "files", "requests"])
def denied_function_old_spelling(c: Run):
    render(c, c.template('{{ env "HOME" }}', function_blacklist=["env"]), **strict(c))


@case("templates")
def a_sandbox_for_files(c: Run):
    c.put("in/inside", "inside")
    c.put("home/outside", "outside")
    render(c, c.template(f'{{{{ file "{c.path("in/inside")}" }}}}', sandbox_path=str(c.path("in"))))
    render(c, c.template(f'{{{{ file "{c.path("home/outside")}" }}}}', "out/second", sandbox_path=str(c.path("in"))), **strict(c))


@case("templates")
def files_and_environment(c: Run):
    c.put("in/file", "text of the file\n")
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True,
             "template": [c.template(f'{{{{ file "{c.path("in/file")}" }}}}{{{{ env "COLOUR" }}}} {{{{ envOrDefault "NOPE" "default" }}}}')]},
            env={"COLOUR": "green"}).exit()


@case("templates")
def helpers_of_every_kind(c: Run):
    c.secret("app", number=1234567, list=["b", "a"], nested={"x": {"y": "z"}}, text="a,b")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.number }}}} {{{{ .Data.data | toJSON }}}}\n{{{{ .Data.data | toYAML }}}}\n'
                         '{{ .Data.data.text | split "," | join "-" }} {{ "x" | base64Encode }} {{ .Data.data.list | toJSONPretty }}\n'
                         '{{ range $k, $v := .Data.data }}{{ $k | toUpper }};{{ end }} {{ sprig_sha256sum "x" }} {{ "2" | parseInt | add 40 }}'
                         '{{ scratch.Set "k" "v" }}{{ scratch.Get "k" }}{{ .Data.data.nested | explodeMap }}{{ end }}'))


@case("templates")
def write_to_file(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user | writeToFile "{c.path("out/side")}" "" "" "0640" "newline" }}}}done{{{{ end }}}}'))


@case("templates", timed=True)
def a_missing_secret_is_waited_for(c: Run):
    agent = render(c, c.template(f'{{{{ with secret "{c.data}/later" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'), wait=False)
    c.until_logged("no secret exists at")
    c.secret("later", user="here")
    agent.exit()


@case("templates", timed=True)
def a_deleted_secret_is_waited_for(c: Run):
    c.secret("app", user="old")
    c.api.delete(f"kv2/data/{c.case.name}/app")
    agent = render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'), wait=False)
    c.until_logged("no secret exists at")
    c.secret("app", user="again")
    agent.exit()


@case("templates")
def a_missing_secret_exits_on_retry_failure(c: Run):
    render(c, c.template(f'{{{{ with secret "{c.data}/never" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'), **strict(c))


@case("templates", timed=True)
def a_missing_secret_exits_after_its_retries(c: Run):
    render(c, c.template(f'{{{{ with secret "{c.data}/never" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'),
           template_config={"exit_on_retry_failure": True}, vault={"retry": {"num_retries": 3}})


@case("templates")
def a_denied_secret_exits_on_retry_failure(c: Run):
    c.secret1("app", user="u")
    c.put("in/role", "narrow-role-id")
    render(c, c.template(f'{{{{ with secret "{c.data1}/app" }}}}{{{{ .Data.user }}}}{{{{ end }}}}'),
           method={"type": "approle", "config": {"role_id_file_path": str(c.path("in/role"))}}, **strict(c))


@case("templates", timed=True)
def a_changed_secret_is_rendered_again(c: Run):
    c.secret("app", user="old")
    agent = sidecar(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}', command=f"echo again >> {c.path('out/ran')}"),
                    template_config={"static_secret_render_interval": "1s"})
    c.until_file("out/rendered", "old")
    c.secret("app", user="new")
    c.until_file("out/rendered", "new")
    c.until_file("out/ran", "again\nagain")
    agent.terminate()


@case("templates", timed=True)
def an_unchanged_secret_touches_nothing(c: Run):
    c.secret("app", user="u")
    agent = sidecar(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}', command=f"echo again >> {c.path('out/ran')}"),
                    template_config={"static_secret_render_interval": "1s"})
    c.until_file("out/ran")
    before = c.path("out/rendered").stat()
    reads = lambda: sum("data/" in e["request"]["path"] for e in c.server.requests(c.source))
    c.until(lambda: reads() >= 4, "four reads")
    c.fact("untouched", c.path("out/rendered").stat().st_ino == before.st_ino)
    agent.terminate()


@case("templates", timed=True)
def ttl_of_kv1_decides_when_to_read_again(c: Run):
    c.secret1("app", user="old", ttl="1s")
    agent = sidecar(c, c.template(f'{{{{ with secret "{c.data1}/app" }}}}{{{{ .Data.user }}}} {{{{ .LeaseDuration }}}}{{{{ end }}}}'))
    c.until_file("out/rendered", "old")
    c.secret1("app", user="new", ttl="1s")
    c.until_file("out/rendered", "new")
    agent.terminate()


@case("templates", timed=True)
def short_certificate_is_replaced_before_it_ends(c: Run):
    agent = sidecar(c, c.template('{{ with secret "pki/issue/short" "common_name=app.example" }}{{ .Data.serial_number }}{{ end }}'))
    c.until_file("out/rendered")
    first = c.path("out/rendered").read_text()
    c.until(lambda: c.path("out/rendered").read_text() != first, "another certificate", 14)
    c.scrub(r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5,}\b", "<serial>")
    agent.terminate()


@case("templates", timed=True, differs=dict.fromkeys(['requests', 'methods'], 'a request refused because the token is gone'))
def short_lived_created_token_is_renewed(c: Run):
    agent = sidecar(c, c.template('{{ with secret "auth/token/create" "ttl=4s" "explicit_max_ttl=9s" }}{{ .Auth.ClientToken }}{{ end }}'))
    c.until_file("out/rendered")
    first = c.path("out/rendered").read_text()
    c.until(lambda: c.path("out/rendered").read_text() != first, "another token", 15)
    agent.terminate()


@case("templates", timed=True)
def a_watched_file_is_rendered_again(c: Run):
    c.put("in/file", "old")
    agent = sidecar(c, c.template(f'{{{{ file "{c.path("in/file")}" }}}}'))
    c.until_file("out/rendered", "old")
    c.put("in/file", "new one")
    c.until_file("out/rendered", "new one")
    agent.terminate()


@case("templates", timed=True)
def waiting_collects_changes(c: Run):
    c.secret("a", v="1")
    c.secret("b", v="1")
    text = f'{{{{ with secret "{c.data}/a" }}}}{{{{ .Data.data.v }}}}{{{{ end }}}}{{{{ with secret "{c.data}/b" }}}}{{{{ .Data.data.v }}}}{{{{ end }}}}'
    agent = sidecar(c, c.template(text, wait={"min": "3s", "max": "6s"}, command=f"cat {c.path('out/rendered')} >> {c.path('out/ran')}; echo >> {c.path('out/ran')}"),
                    template_config={"static_secret_render_interval": "1s"})
    c.until_file("out/rendered", "11")
    c.secret("a", v="2")
    c.secret("b", v="2")
    # Not the file: its command comes after it.
    c.until_file("out/ran", "22")
    agent.terminate()


@case("templates", timed=True)
def a_new_token_reads_everything_again(c: Run):
    c.secret("app", user="u")
    c.put("in/role", "short-role-id")
    agent = c.agent({"auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": str(c.path("in/role"))}}, "sink": [c.sink()]},
                     "template": [c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}')]})
    c.until_file("out/token")
    first = c.path("out/token").read_text()
    c.until(lambda: c.path("out/token").read_text() != first, "a second token", 20)
    c.until_logged("renewed auth token")
    reads = lambda: sum("data/" in e["request"]["path"] for e in c.server.requests(c.source))
    c.until(lambda: reads() >= 2, "a second read")
    agent.signal(signal.SIGINT)
    agent.exit()


@case("templates", tls=True)
def over_tls(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))


@case("templates", differs=dict.fromkeys(['facts', 'requests', 'methods', 'log'], 'a token in a plain file sink'))
def an_error_about_a_value_of_a_secret(c: Run):
    # The log is searched for the value afterwards (leaks.py).
    c.secret("app", password="a-long-password-of-kv2", nested={"pin": "a-long-nested-password"})
    c.secret1("app", password="a-long-password-of-kv1")
    for number, text in enumerate([f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.password | parseInt }}}}{{{{ end }}}}',
                                   f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.nested.pin | parseBool }}}}{{{{ end }}}}',
                                   f'{{{{ with secret "{c.data1}/app" }}}}{{{{ .Data.password | parseJSON }}}}{{{{ end }}}}']):
        render(c, c.template(text, f"out/{number}"), **strict(c))
