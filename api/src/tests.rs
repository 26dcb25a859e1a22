//! The router as clients meet it, over a ledger in memory.

mod access;
mod check;
mod events;
mod fake;
mod listening;
mod log;
mod openapi;
mod parts;
mod recalls;
mod regions;
mod registration;
mod resolution;
mod service;

use crate::app::{ApiOptions, router};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use fake::Fake;
use http_body_util::BodyExt as _;
use ledger::testing::Member;
use std::net::SocketAddr;
use std::sync::Arc;
use tower::ServiceExt as _;

/// An answer, read whole.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    async fn read(response: axum::response::Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn media_type(&self) -> &str {
        self.header(header::CONTENT_TYPE)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and reason of a problem in JSON.
    fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.media_type(),
            "application/problem+json",
            "{}",
            self.text()
        );
        let json = self.json();
        for member in ["type", "title", "detail", "remedy", "where"] {
            assert!(
                json[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {json}"
            );
        }
        assert_eq!(json["status"], self.status.as_u16());
        (
            self.status.as_u16(),
            json["reason"].as_str().unwrap().to_owned(),
        )
    }
}

/// A client: where it comes from and what it sends with every request.
struct Client {
    router: Router,
    peer: &'static str,
    host: &'static str,
    /// Its token, if it proves who it is.
    token: Option<String>,
}

impl Client {
    /// A stranger on the internet.
    fn stranger(fake: &Arc<Fake>) -> Self {
        let options = ApiOptions {
            loopback_privileges: true,
            ..ApiOptions::default()
        };
        let router = router(Arc::clone(fake), options);
        Self {
            router,
            peer: "192.0.2.7",
            host: "node.example",
            token: None,
        }
    }

    /// A member who proves who it is.
    fn of(fake: &Arc<Fake>, member: &Member) -> Self {
        Self {
            token: Some(fake.token(member, 0, 300)),
            ..Self::stranger(fake)
        }
    }

    /// The operator at the node's own machine.
    fn local(fake: &Arc<Fake>) -> Self {
        Self {
            peer: "127.0.0.1",
            host: "localhost:8080",
            ..Self::stranger(fake)
        }
    }

    async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Got {
        let mut request = request.body(body.into()).unwrap();
        let host = self.host.parse().unwrap();
        request.headers_mut().entry(header::HOST).or_insert(host);
        if let Some(token) = &self.token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let peer = SocketAddr::new(self.peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        Got::read(response).await
    }

    /// An answer whose body goes on.
    async fn respond(&self, target: &str, accept: &str) -> axum::response::Response {
        let request = Request::get(target)
            .header(header::ACCEPT, accept)
            .header(header::HOST, self.host);
        let mut request = request.body(Body::empty()).unwrap();
        let peer = SocketAddr::new(self.peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, target: &str, accept: &str) -> Got {
        self.send(
            Request::get(target).header(header::ACCEPT, accept),
            Body::empty(),
        )
        .await
    }

    async fn get_json(&self, target: &str) -> Got {
        self.get(target, "application/json").await
    }

    async fn post(&self, media_type: &str, body: Vec<u8>) -> Got {
        self.send(
            Request::post("/entries").header(header::CONTENT_TYPE, media_type),
            body,
        )
        .await
    }
}
