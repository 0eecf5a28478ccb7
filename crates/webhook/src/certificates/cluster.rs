//! The two objects in the cluster: read, watched, and written by compare-and-swap.

use super::authorities::Authority;
use super::contents::{Contents, SECRET};
use super::hooks;
use super::machine::Bundle;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watch_object};
use kube::{Api, Client, Resource, ResourceExt};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who we are in `managedFields`: a name of its own, so that everybody sees whose the caBundle is.
const FIELD_MANAGER: &str = "pannier-injector";
/// For one call.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Somebody else was faster: look again.
    #[error("changed by somebody else meanwhile")]
    Conflict,
    /// We have no right to.
    #[error("{0}")]
    Forbidden(String),
    /// Anything else; try again later.
    #[error("{0}")]
    Other(String),
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 409 => Self::Conflict,
            kube::Error::Api(status) if status.code == 403 => {
                Self::Forbidden(status.message.clone())
            }
            kube::Error::Api(status) => {
                Self::Other(format!("{} ({})", status.message, status.code))
            }
            other => Self::Other(other.to_string()),
        }
    }
}

async fn in_time<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, WriteError> {
    let slow = || {
        WriteError::Other(format!(
            "no answer from the API server within {} seconds",
            PATIENCE.as_secs()
        ))
    };
    Ok(tokio::time::timeout(PATIENCE, call)
        .await
        .map_err(|_| slow())??)
}

/// What a watch has to say about one object.
pub(crate) enum Seen<K> {
    /// It is like this now.
    Object(Box<K>),
    /// It is not there.
    Absent,
    /// It cannot be watched; tried again until it can.
    Failed {
        /// Why, in words.
        error: String,
        /// For want of a right.
        is_forbidden: bool,
    },
}

/// Follows one object by name, for ever. Needs `list` and `watch`.
pub(crate) fn watch<K>(api: Api<K>, name: &str) -> BoxStream<'static, Seen<K>>
where
    K: Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let seen = watch_object(api, name)
        .default_backoff()
        .map(|event| match event {
            Ok(Some(object)) => Seen::Object(Box::new(object)),
            Ok(None) => Seen::Absent,
            Err(error) => Seen::Failed {
                is_forbidden: is_forbidden(&error),
                error: error.to_string(),
            },
        });
    // It does not end; if it did, nothing more would be heard, which is what `pending` says.
    seen.chain(stream::pending()).boxed()
}

fn is_forbidden(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => status.code == 403,
        watcher::Error::WatchError(status) => status.code == 403,
        _ => false,
    }
}

/// Whether `old` is known to come after `new`: a watch may still tell what was before our own write.
fn is_older<K: Resource>(new: &K, old: &K) -> bool {
    let version = |object: &K| object.meta().resource_version.as_ref()?.parse::<u64>().ok();
    matches!((version(new), version(old)), (Some(new), Some(old)) if new < old)
        && new.meta().uid == old.meta().uid
}

/// The Secret with the shared state.
pub(crate) struct SharedSecret {
    api: Api<Secret>,
    last: Option<Secret>,
}

impl SharedSecret {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            last: None,
        }
    }

    pub(crate) fn watch(&self) -> BoxStream<'static, Seen<Secret>> {
        watch(self.api.clone(), SECRET)
    }

    /// Takes over what was seen; the state in it unless it is older than what we know.
    pub(crate) fn see(&mut self, secret: Option<Secret>) -> Option<Contents> {
        if let (Some(new), Some(old)) = (&secret, &self.last)
            && is_older(new, old)
        {
            return None;
        }
        self.last = secret;
        let data = self.last.as_ref().and_then(|secret| secret.data.as_ref());
        let data = data.map(|data| {
            data.iter()
                .map(|(name, bytes)| (name.clone(), bytes.0.clone()))
                .collect()
        });
        Some(Contents::read(&data.unwrap_or_default()))
    }

    /// Reads it now; the answer is to be [seen](Self::see).
    pub(crate) fn read(&self) -> BoxFuture<'static, Result<Option<Secret>, WriteError>> {
        let api = self.api.clone();
        async move { in_time(api.get_opt(SECRET)).await }.boxed()
    }

    /// Writes `contents`, if the Secret is still as last seen (or still absent); the answer is to be [seen](Self::see).
    pub(crate) fn write(
        &self,
        contents: &Contents,
    ) -> BoxFuture<'static, Result<Secret, WriteError>> {
        let mut secret = self.last.clone().unwrap_or_else(|| {
            let mut secret = Secret::default();
            secret.metadata.name = Some(SECRET.to_owned());
            secret
        });
        let mut data: BTreeMap<String, Vec<u8>> = secret
            .data
            .take()
            .unwrap_or_default()
            .into_iter()
            .map(|(name, bytes)| (name, bytes.0))
            .collect();
        contents.write(&mut data);
        secret.data = Some(
            data.into_iter()
                .map(|(name, bytes)| (name, ByteString(bytes)))
                .collect(),
        );
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let api = self.api.clone();
        async move {
            if secret.resource_version().is_some() {
                in_time(api.replace(SECRET, &parameters, &secret)).await
            } else {
                in_time(api.create(&parameters, &secret)).await
            }
        }
        .boxed()
    }
}

/// The MutatingWebhookConfiguration whose caBundle we keep.
pub(crate) struct WebhookConfiguration {
    api: Api<MutatingWebhookConfiguration>,
    name: String,
    last: Option<MutatingWebhookConfiguration>,
    unseen: String,
}

impl WebhookConfiguration {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        let unseen = format!("webhook configuration `{name}` not read yet");
        Self {
            api: Api::all(client),
            name: name.to_owned(),
            last: None,
            unseen,
        }
    }

    pub(crate) fn watch(&self) -> BoxStream<'static, Seen<MutatingWebhookConfiguration>> {
        watch(self.api.clone(), &self.name)
    }

    /// Takes over what was seen. An error changes nothing that is known already: the API server may be away for a while.
    pub(crate) fn see(&mut self, seen: Seen<MutatingWebhookConfiguration>) {
        match seen {
            Seen::Object(new) => {
                if !self.last.as_ref().is_some_and(|old| is_older(&*new, old)) {
                    self.last = Some(*new);
                }
            }
            Seen::Absent => {
                self.last = None;
                self.unseen = format!("webhook configuration `{}` not found", self.name);
            }
            Seen::Failed { error, .. } => {
                self.unseen = format!(
                    "webhook configuration `{}` cannot be read: {error}",
                    self.name
                );
                tracing::warn!(target: "handler.certwatcher", name = self.name, error, "cannot watch the webhook configuration, trying again");
            }
        }
    }

    /// What it looks like for a server with these names.
    pub(crate) fn bundle(&self, hosts: &[String]) -> Bundle {
        self.last.as_ref().map_or_else(
            || Bundle::Unknown(self.unseen.clone()),
            |configuration| Bundle::Seen(hooks::ours(configuration, hosts)),
        )
    }

    /// Reads it now; the answer is to be [seen](Self::see).
    pub(crate) fn read(
        &self,
    ) -> BoxFuture<'static, Result<Seen<MutatingWebhookConfiguration>, WriteError>> {
        let (api, name) = (self.api.clone(), self.name.clone());
        async move {
            Ok(in_time(api.get_opt(&name))
                .await?
                .map_or(Seen::Absent, |found| Seen::Object(Box::new(found))))
        }
        .boxed()
    }

    /// Makes our webhooks trust exactly `authorities`, if the configuration is still as last seen; the answer is to be
    /// [seen](Self::see). Needs `patch` only.
    pub(crate) fn write(
        &self,
        hosts: &[String],
        authorities: &[Authority],
    ) -> BoxFuture<'static, Result<Seen<MutatingWebhookConfiguration>, WriteError>> {
        let Some(configuration) = &self.last else {
            return async { Err(WriteError::Conflict) }.boxed();
        };
        let change = hooks::apply(
            configuration,
            &hooks::ours(configuration, hosts),
            authorities,
        );
        let (api, name) = (self.api.clone(), self.name.clone());
        async move {
            let parameters = PatchParams::apply(FIELD_MANAGER).force();
            let written = in_time(api.patch(&name, &parameters, &Patch::Apply(&change))).await?;
            Ok(Seen::Object(Box::new(written)))
        }
        .boxed()
    }
}
