//! Tiles in an S3-compatible bucket: moto's server holds them, boto3 reads them back.

use ledger::ids::TreeSize;
use ledger::tiles::grown;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;
use tests::demo::{ended, suyuan};
use tests::region::{Region, until};

/// Makes the bucket, or prints every object of it: key → [bytes in hex, media type, caching].
const CLIENT: &str = "
import boto3, json, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',
    aws_access_key_id='key', aws_secret_access_key='secret')
if sys.argv[2] == 'make':
    s3.create_bucket(Bucket='tiles')
else:
    listed = s3.list_objects_v2(Bucket='tiles').get('Contents', [])
    objects = {one['Key']: s3.get_object(Bucket='tiles', Key=one['Key']) for one in listed}
    json.dump({key: [one['Body'].read().hex(), one['ContentType'], one['CacheControl']]
        for key, one in objects.items()}, sys.stdout)
";

fn python() -> Command {
    let python = std::env::var("SUYUAN_VERIFIER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    Command::new(python)
}

/// A server of S3's protocol that nobody here wrote.
struct Bucket {
    dir: TempDir,
    url: String,
    server: Child,
}

impl Bucket {
    fn new() -> Self {
        let found = python()
            .args(["-c", "import moto.server"])
            .output()
            .unwrap();
        assert!(
            found.status.success(),
            "there is no moto, the bucket: run tools/test.sh, which installs it and names it in \
             SUYUAN_VERIFIER_PYTHON"
        );
        let dir = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let log = File::create(dir.path().join("log")).unwrap();
        let server = python()
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let address = format!("127.0.0.1:{port}");
        let url = format!("http://{address}");
        let bucket = Self { dir, url, server };
        until("the bucket's server listens", || {
            TcpStream::connect(&address).ok()
        });
        bucket.client("make");
        bucket
    }

    fn client(&self, what: &str) -> Vec<u8> {
        let args = ["-c", CLIENT, &self.url, what];
        let output = python().args(args).output().unwrap();
        assert!(output.status.success(), "{}", ended(&output).1);
        output.stdout
    }

    fn objects(&self) -> BTreeMap<String, [String; 3]> {
        serde_json::from_slice(&self.client("read")).unwrap()
    }

    /// Exports a region's tiles to `to`.
    fn export(&self, log: &Region, to: &str) -> Output {
        let dir = log.dir();
        suyuan(&["export-tiles", "--json", "--to", to, "--dir"])
            .arg(dir)
            .envs([
                ("AWS_ENDPOINT_URL", self.url.as_str()),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "key"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
            ])
            .output()
            .unwrap()
    }

    /// Exports, and returns what was written: the tree's size, and how many tiles.
    fn exported(&self, log: &Region) -> (u64, u64) {
        let output = self.export(log, "s3://tiles/chengdu/log");
        assert!(output.status.success(), "{}", ended(&output).1);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let number = |name: &str| said[name].as_u64().unwrap();
        (number("treeSize"), number("tilesWritten"))
    }

    /// The keys put so far, in order.
    fn put(&self) -> Vec<String> {
        let log: PathBuf = self.dir.path().join("log");
        let log = std::fs::read_to_string(log).unwrap();
        let keys = log.lines().filter_map(|line| {
            let (_, asked) = line.split_once("PUT /tiles/chengdu/log/")?;
            Some(asked.split(' ').next()?.to_owned())
        });
        keys.collect()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _gone = self.server.kill();
        let _status = self.server.wait();
    }
}

#[test]
fn a_bucket_has_the_nodes_very_files_and_the_checkpoint_last() {
    let bucket = Bucket::new();
    let mut log = Region::found("chengdu");
    log.start();
    log.record();
    let (size, tiles) = bucket.exported(&log);
    assert_eq!(tiles, 1);
    let part = format!("chengdu/log/tile/0/000.p/{size}");
    assert!(bucket.objects().contains_key(&part));

    // Until the first tile is full, and the second has begun.
    while log.record() < TreeSize(260) {}
    let before = bucket.put().len();
    let (size, tiles) = bucket.exported(&log);
    assert_eq!(tiles, 3);
    let put = bucket.put().split_off(before);
    assert_eq!(put.len(), 4);
    assert_eq!(put[3], "checkpoint");

    let mut objects = bucket.objects();
    for name in grown(TreeSize(0), TreeSize(size)) {
        let served = log.get(&format!("/{name}"));
        let Some([bytes, media_type, caching]) = objects.remove(&format!("chengdu/log/{name}"))
        else {
            // Entries are not for strangers.
            assert!(name.to_string().starts_with("tile/entries/"), "{name}");
            continue;
        };
        assert_eq!(bytes, hex::encode(served.body), "{name}");
        assert_eq!(media_type, "application/octet-stream");
        assert_eq!(caching, "public, max-age=604800, immutable");
    }
    let [note, media_type, _] = objects.remove("chengdu/log/checkpoint").unwrap();
    assert_eq!(note, hex::encode(log.get("/checkpoint").body));
    assert_eq!(media_type, "text/plain; charset=utf-8");
    // The part whose full tile has come is gone.
    assert_eq!(objects, BTreeMap::new());
    assert_eq!(bucket.exported(&log), (size, 0));

    // What is not there is said, and not tried for ever.
    let (code, error) = ended(&bucket.export(&log, "s3://absent/log"));
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("s3://absent/log"), "{error}");
}
