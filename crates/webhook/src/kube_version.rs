//! The cluster's version: asked for at start, and again now and then, because clusters are upgraded under us.
//!
//! `GET /version` is allowed to every service account (`system:discovery`), so it needs no right of its own. What cannot be read
//! counts as unknown, and what was read last goes on counting.

use kube::Client;
use pannier_inject::KubeVersion;
use std::time::Duration;

/// For one call.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks; an upgrade takes longer than this.
const PAUSE: Duration = Duration::from_secs(300);
/// After a look that failed; doubled up to [`PAUSE`].
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// Tells each version that is found, for ever.
pub(crate) async fn follow(client: Client, tell: impl Fn(KubeVersion)) {
    let mut known = None;
    let mut retry = FIRST_RETRY;
    loop {
        match ask(&client).await {
            Ok(found) => {
                if known != Some(found) {
                    tracing::info!(target: "handler", version = %found, "the cluster's version of Kubernetes");
                    known = Some(found);
                    tell(found);
                }
                retry = FIRST_RETRY;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                if known.is_none() && retry == FIRST_RETRY {
                    let hint = "until it is known, native sidecars are injected wherever they are asked for; -kube-version / AGENT_INJECT_KUBE_VERSION sets it";
                    tracing::warn!(target: "handler", error, hint, "cannot read the cluster's version of Kubernetes");
                } else {
                    tracing::debug!(target: "handler", error, "cannot read the cluster's version of Kubernetes");
                }
                tokio::time::sleep(retry).await;
                retry = (retry * 2).min(PAUSE);
            }
        }
    }
}

async fn ask(client: &Client) -> Result<KubeVersion, String> {
    let answer = tokio::time::timeout(PATIENCE, client.apiserver_version())
        .await
        .map_err(|_| {
            let seconds = PATIENCE.as_secs();
            format!("no answer from the API server within {seconds} seconds")
        })?
        .map_err(|error| error.to_string())?;
    let text = format!("{}.{}", answer.major, answer.minor);
    KubeVersion::parse(&text)
        .ok_or_else(|| format!("expected a version such as `1.29`, got `{text}`"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use http_body_util::Full;
    use hyper::body::Bytes;
    use hyper::{Request, Response};
    use kube::client::Body;
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};
    use tokio::time::Instant;

    /// What an API server answers one after the other, the last for ever; and what is told, with the seconds it took.
    async fn told(answers: &[(u16, &str)], seconds: u64) -> Vec<(u64, String)> {
        let answers: Vec<(u16, String)> = answers
            .iter()
            .map(|(status, body)| (*status, (*body).to_owned()))
            .collect();
        let asked = Arc::new(Mutex::new(0));
        let service = tower::service_fn(move |request: Request<Body>| {
            assert_eq!(request.uri().path(), "/version");
            let mut asked = asked.lock().unwrap();
            let (status, body) = &answers[(*asked).min(answers.len() - 1)];
            *asked += 1;
            let body = Full::new(Bytes::from(body.clone()));
            let answer = Response::builder().status(*status).body(body).unwrap();
            async move { Ok::<_, Infallible>(answer) }
        });
        let heard = Mutex::new(Vec::new());
        let begun = Instant::now();
        let following = follow(Client::new(service, "vault"), |version| {
            heard
                .lock()
                .unwrap()
                .push((begun.elapsed().as_secs(), version.to_string()));
        });
        assert!(
            tokio::time::timeout(Duration::from_secs(seconds), following)
                .await
                .is_err()
        );
        heard.into_inner().unwrap()
    }

    fn version(major: &str, minor: &str) -> String {
        let empty = [
            "gitVersion",
            "gitCommit",
            "gitTreeState",
            "buildDate",
            "goVersion",
            "compiler",
            "platform",
        ]
        .map(|name| format!(r#""{name}":"""#));
        format!(
            r#"{{"major":"{major}","minor":"{minor}",{}}}"#,
            empty.join(",")
        )
    }

    #[tokio::test(start_paused = true)]
    async fn an_upgrade_is_noticed_and_told_once() {
        let (old, new) = (version("1", "28+"), version("1", "29"));
        let answers = [(200, old.as_str()), (200, &old), (200, &new)];
        let expected = [(0, "1.28".to_owned()), (600, "1.29".to_owned())];
        assert_eq!(told(&answers, 3600).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_asked_for_again_and_what_was_read_goes_on_counting() {
        let old = version("1", "20");
        let answers = [
            (403, "{}"),
            (200, "<html>"),
            (200, r#"{"major":"one"}"#),
            (200, &old),
            (500, ""),
        ];
        assert_eq!(told(&answers, 3600).await, [(35, "1.20".to_owned())]);
        assert_eq!(told(&[(403, "{}")], 3600).await, []);
    }
}
