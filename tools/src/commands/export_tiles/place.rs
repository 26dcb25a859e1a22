//! Where exported files go: a directory, or an S3-compatible bucket. The same names in both.

use crate::exit::{Code, Failure};
use http_body_util::BodyExt as _;
use ledger::merkle::tile::TileName;
use node::durable::replace;
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt as _, PutOptions, PutPayload, RetryConfig,
};
use std::future::Future;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use ureq::http;

/// Requests to a bucket at once: each waits for the network, not for us.
pub(super) const AT_ONCE: usize = 16;

/// How often, and how long, a request is tried: whoever runs this sees an outage within a minute.
const TRIES_MAX: usize = 4;
const TRIES_TIME_MAX: Duration = Duration::from_secs(30);

/// Bytes of an answer of a bucket: a checkpoint, or a list of names.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

const TILE_TYPE: &str = "application/octet-stream";
const NOTE_TYPE: &str = "text/plain; charset=utf-8";
/// What the node says of each.
const TILE_CACHING: &str = "public, max-age=604800, immutable";
const NOTE_CACHING: &str = "public, max-age=1";

/// A tile's bytes under its name.
pub(super) type Named = (TileName, Vec<u8>);

/// Where files go.
#[derive(Debug)]
pub(super) enum Place {
    /// A directory.
    Directory(PathBuf),
    /// A bucket.
    Bucket(Bucket),
}

/// A bucket, or a part of one.
#[derive(Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    name: String,
    runtime: Runtime,
}

impl Place {
    /// Where to read and write checkpoints, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Directory(dir) => dir.display().to_string(),
            Self::Bucket(bucket) => bucket.name.clone(),
        }
    }

    /// The checkpoint that is there.
    pub(super) fn checkpoint(&self) -> Result<Option<String>, Failure> {
        match self {
            Self::Directory(dir) => {
                let path = dir.join("checkpoint");
                match std::fs::read_to_string(&path) {
                    Ok(note) => Ok(Some(note)),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(Failure::file(&path, &error)),
                }
            }
            Self::Bucket(bucket) => bucket.checkpoint(),
        }
    }

    /// Which of these tiles are there. What is there was put whole, and a tile never changes.
    pub(super) fn has(&self, names: &[TileName]) -> Result<Vec<bool>, Failure> {
        match self {
            Self::Directory(dir) => Ok(names
                .iter()
                .map(|name| dir.join(name.to_string()).exists())
                .collect()),
            Self::Bucket(bucket) => bucket.has(names),
        }
    }

    /// Puts tiles there; when it returns `Ok`, they are there.
    pub(super) fn put(&self, tiles: Vec<Named>) -> Result<(), Failure> {
        match self {
            Self::Directory(dir) => tiles
                .iter()
                .try_for_each(|(name, bytes)| write(&dir.join(name.to_string()), bytes)),
            Self::Bucket(bucket) => bucket.put(tiles),
        }
    }

    /// Puts the checkpoint there.
    pub(super) fn put_checkpoint(&self, note: &str) -> Result<(), Failure> {
        match self {
            Self::Directory(dir) => write(&dir.join("checkpoint"), note.as_bytes()),
            Self::Bucket(bucket) => bucket.put_checkpoint(note),
        }
    }

    /// Takes away the partial tiles in whose place a full one stands.
    pub(super) fn drop_parts(&self, full: TileName) -> Result<(), Failure> {
        match self {
            Self::Directory(dir) => {
                let parts = dir.join(format!("{full}.p"));
                match std::fs::remove_dir_all(&parts) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        Err(Failure::file(&parts, &error))
                    }
                    Ok(()) | Err(_) => Ok(()),
                }
            }
            Self::Bucket(bucket) => bucket.drop_parts(full),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    replace(path, bytes, 0o644).map_err(failed)
}

impl Bucket {
    /// The bucket of `s3://bucket/prefix`; endpoint, region and credentials from the variables that
    /// every S3 tool reads (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, ...).
    ///
    /// # Errors
    /// [`Failure`] where they make no sense.
    pub(super) fn open(url: &str) -> Result<Self, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::usage(format!("{url}: {why}")).remedy("write s3://BUCKET/PREFIX")
        };
        let rest = url
            .strip_prefix("s3://")
            .ok_or_else(|| wrong(&"no s3:// in front"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong(&"no bucket"));
        }
        let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
        let endpoint = endpoint.iter().find_map(|name| std::env::var(name).ok());
        let plain = endpoint.is_some_and(|url| url.starts_with("http://"));
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_allow_http(plain)
            .with_retry(RetryConfig {
                max_retries: TRIES_MAX,
                retry_timeout: TRIES_TIME_MAX,
                ..RetryConfig::default()
            })
            .with_http_connector(Ureq)
            .build()
            .map_err(|error| wrong(&error))?;
        Self::of(Arc::new(store), prefix, url)
    }

    pub(super) fn of(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        name: &str,
    ) -> Result<Self, Failure> {
        Ok(Self {
            store,
            prefix: prefix.trim_matches('/').to_owned(),
            name: name.to_owned(),
            runtime: crate::commands::serve::runtime()?,
        })
    }

    fn key(&self, name: &dyn std::fmt::Display) -> Key {
        Key::from(format!("{}/{name}", self.prefix))
    }

    fn failed(&self, error: &object_store::Error) -> Failure {
        use object_store::Error;
        let ours = matches!(
            error,
            Error::NotFound { .. } | Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
        );
        let code = if ours { Code::Usage } else { Code::Busy };
        Failure::new(code, format!("{}: {error}", self.name)).remedy(
            "check bucket, endpoint and credentials (AWS_ENDPOINT_URL, AWS_REGION, \
             AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY); exporting again is safe",
        )
    }

    fn checkpoint(&self) -> Result<Option<String>, Failure> {
        let key = self.key(&"checkpoint");
        let got = self.runtime.block_on(async {
            match self.store.get(&key).await {
                Ok(got) => got.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let bytes = got.map_err(|error| self.failed(&error))?;
        let text = bytes.map(|bytes| String::from_utf8(bytes.to_vec()));
        text.transpose()
            .map_err(|_| Failure::new(Code::Proof, format!("{}: checkpoint: not UTF-8", self.name)))
    }

    fn has(&self, names: &[TileName]) -> Result<Vec<bool>, Failure> {
        let asked = self.all(names.iter().map(|name| {
            let (store, key) = (Arc::clone(&self.store), self.key(name));
            async move {
                match store.head(&key).await {
                    Ok(_) => Ok(true),
                    Err(object_store::Error::NotFound { .. }) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        }));
        asked.map_err(|error| self.failed(&error))
    }

    fn put(&self, tiles: Vec<Named>) -> Result<(), Failure> {
        let put = self.all(tiles.into_iter().map(|(name, bytes)| {
            let (store, key) = (Arc::clone(&self.store), self.key(&name));
            put(store, key, bytes, TILE_TYPE, TILE_CACHING)
        }));
        put.map(drop).map_err(|error| self.failed(&error))
    }

    fn put_checkpoint(&self, note: &str) -> Result<(), Failure> {
        let (store, key) = (Arc::clone(&self.store), self.key(&"checkpoint"));
        let bytes = note.as_bytes().to_vec();
        self.runtime
            .block_on(put(store, key, bytes, NOTE_TYPE, NOTE_CACHING))
            .map_err(|error| self.failed(&error))
    }

    fn drop_parts(&self, full: TileName) -> Result<(), Failure> {
        let parts = self.key(&format_args!("{full}.p"));
        self.runtime
            .block_on(async {
                for part in self.store.list_with_delimiter(Some(&parts)).await?.objects {
                    self.store.delete(&part.location).await?;
                }
                Ok(())
            })
            .map_err(|error| self.failed(&error))
    }

    /// All of these, side by side, in their order.
    fn all<T: Send + 'static>(
        &self,
        work: impl Iterator<
            Item = impl Future<Output = Result<T, object_store::Error>> + Send + 'static,
        >,
    ) -> Result<Vec<T>, object_store::Error> {
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            for (number, one) in work.enumerate() {
                running.spawn(async move { (number, one.await) });
            }
            let mut done = Vec::new();
            while let Some(one) = running.join_next().await {
                let (number, result) = one.map_err(|error| object_store::Error::Generic {
                    store: "bucket",
                    source: Box::new(error),
                })?;
                done.push((number, result?));
            }
            done.sort_by_key(|(number, _)| *number);
            Ok(done.into_iter().map(|(_, one)| one).collect())
        })
    }
}

async fn put(
    store: Arc<dyn ObjectStore>,
    key: Key,
    bytes: Vec<u8>,
    media_type: &'static str,
    caching: &'static str,
) -> Result<(), object_store::Error> {
    let attributes: Attributes = [
        (Attribute::ContentType, media_type),
        (Attribute::CacheControl, caching),
    ]
    .into_iter()
    .collect();
    let options = PutOptions {
        attributes,
        ..PutOptions::default()
    };
    let payload = PutPayload::from(bytes);
    store.put_opts(&key, payload, options).await.map(drop)
}

/// HTTP by the client that the rest of `suyuan` uses: no second TLS stack for one command.
#[derive(Clone, Copy, Debug)]
struct Ureq;

impl HttpConnector for Ureq {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections_per_host(AT_ONCE)
            .timeout_global(Some(TRIES_TIME_MAX))
            .build();
        Ok(HttpClient::new(Http(config.into())))
    }
}

#[derive(Debug)]
struct Http(ureq::Agent);

impl HttpService for Http {
    fn call<'s, 'f>(
        &'s self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        let agent = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let request = http::Request::from_parts(parts, body.to_vec());
            let call = tokio::task::spawn_blocking(move || call(&agent, request));
            call.await
                .unwrap_or_else(|error| Err(HttpError::new(HttpErrorKind::Interrupted, error)))
        })
    }
}

fn call(agent: &ureq::Agent, request: http::Request<Vec<u8>>) -> Result<HttpResponse, HttpError> {
    let failed = |error: ureq::Error| HttpError::new(HttpErrorKind::Request, error);
    // The client refuses a body, even an empty one, where the method has none.
    let answer = if request.body().is_empty() {
        agent.run(request.map(drop))
    } else {
        agent.run(request)
    };
    let (parts, mut body) = answer.map_err(failed)?.into_parts();
    let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    let body = HttpResponseBody::from(bytes.map_err(failed)?);
    Ok(HttpResponse::from_parts(parts, body))
}
