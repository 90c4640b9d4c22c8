//! Who may talk to this PC: checked before anything else looks at a request.
//!
//! The pages need no log-in on the PC itself, so a foreign web page in the same browser must not
//! be able to use them: the host must be one of ours (against DNS rebinding), a change must come
//! from our own origin, and other machines need the token. Nothing here allows another origin.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Web;
use super::problem::Problem;
use crate::config::HttpSettings;

/// How long one request may take; live streams begin within it.
const REQUEST_MS_MAX: u64 = 15_000;

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// The rules, from the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    hosts: Vec<String>,
    token: Option<String>,
}

impl Guard {
    /// Reads them; a token that can't be read lets no other machine in.
    pub(crate) fn new(http: &HttpSettings) -> Self {
        let mut hosts = vec!["localhost".to_owned()];
        if !http.listen.ip().is_unspecified() {
            hosts.push(http.listen.ip().to_string());
        }
        hosts.extend(http.hosts.iter().map(|it| it.to_ascii_lowercase()));
        let token = http.token_file.as_ref().and_then(|path| {
            let secret = crate::platform::files::read_secret(path);
            secret
                .map_err(|error| {
                    tracing::error!(path = %path.display(), %error, "the token can't be read");
                })
                .ok()
        });
        Self {
            hosts,
            token: token.filter(|it| !it.is_empty()),
        }
    }

    fn check(&self, request: &Request, peer: Option<SocketAddr>) -> Result<(), Problem> {
        let headers = request.headers();
        let host = self.host(request)?;
        if !peer.is_some_and(|it| it.ip().to_canonical().is_loopback()) {
            self.token(headers)?;
        }
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(());
        }
        same_origin(headers, &host)
    }

    /// The host that the caller believes to talk to, if it is this PC.
    fn host(&self, request: &Request) -> Result<Authority, Problem> {
        let wrong = |what: &str| {
            Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "foreign-host",
                format!("this PC is not called `{what}`"),
            )
            .hint("use http://127.0.0.1 with the port, or add the name to `http.hosts`")
        };
        let text = request
            .headers()
            .get(header::HOST)
            .and_then(|it| it.to_str().ok());
        let text = text.or_else(|| request.uri().authority().map(Authority::as_str));
        let text = text.ok_or_else(|| wrong(""))?;
        let shown: String = text.chars().take(60).collect();
        let authority: Authority = text.parse().map_err(|_| wrong(&shown))?;
        let name = authority
            .host()
            .trim_matches(['[', ']'])
            .to_ascii_lowercase();
        let is_loopback = name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        if is_loopback || self.hosts.contains(&name) {
            Ok(authority)
        } else {
            Err(wrong(&shown))
        }
    }

    fn token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|it| it.to_str().ok());
        let given = given
            .and_then(|it| it.strip_prefix("Bearer "))
            .unwrap_or_default();
        match &self.token {
            Some(token) if same(token.as_bytes(), given.trim().as_bytes()) => Ok(()),
            _ => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "another machine needs the token of this PC",
            )
            .hint("send `authorization: Bearer` with the text of `http.token_file`")),
        }
    }
}

/// Compares in a time that does not depend on where the texts differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

/// A browser says where a change comes from; a program that says nothing is no browser.
fn same_origin(headers: &HeaderMap, host: &Authority) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or("?"));
    let foreign = || {
        Problem::forbidden("a page of another site may not change anything here")
            .hint("open the page of this PC itself")
    };
    if text("sec-fetch-site").is_some_and(|it| !matches!(it, "same-origin" | "none")) {
        return Err(foreign());
    }
    match text("origin") {
        None => Ok(()),
        Some(origin) => {
            let named = origin.split_once("://").map(|(_, it)| it);
            let same = named.is_some_and(|it| it.eq_ignore_ascii_case(host.as_str()));
            if same { Ok(()) } else { Err(foreign()) }
        }
    }
}

/// The layer around everything.
pub(crate) async fn layer(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|it| it.0);
    let mut answer = match web.guard.check(&request, peer) {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            let limit = Duration::from_millis(REQUEST_MS_MAX);
            match tokio::time::timeout(limit, next.run(request)).await {
                Ok(answer) => answer,
                Err(_) => Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too-slow",
                    "this PC did not answer in time",
                )
                .hint("whether it was done is not known: look before you repeat it")
                .into_response(),
            }
        }
    };
    if answer.status() == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, bearer);
    }
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, value);
    }
    let cached = answer.headers().contains_key(header::CACHE_CONTROL);
    if !cached {
        let never = HeaderValue::from_static("no-store");
        answer.headers_mut().insert(header::CACHE_CONTROL, never);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let hosts = vec!["localhost".into(), "till-1.shop".into()];
        Guard {
            hosts,
            token: Some("secret".into()),
        }
    }

    fn status(headers: &[(&str, &str)], method: &str, peer: &str) -> u16 {
        let mut request = axum::http::Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        let peer = Some(SocketAddr::new(peer.parse().unwrap(), 5000));
        guard()
            .check(&request, peer)
            .map_or_else(|it| it.status().as_u16(), |()| 200)
    }

    #[test]
    #[rustfmt::skip]
    fn who_may_and_who_may_not() {
        let here = ("host", "127.0.0.1:8420");
        let token = ("authorization", "Bearer secret");
        for (headers, method, peer, expected) in [
            (vec![here], "GET", "127.0.0.1", 200),
            (vec![("host", "localhost:8420")], "GET", "::1", 200),
            (vec![("host", "[::1]:8420")], "GET", "::1", 200),
            (vec![("host", "TILL-1.shop")], "GET", "127.0.0.1", 200),
            (vec![("host", "evil.example")], "GET", "127.0.0.1", 421),
            (vec![("host", "127.0.0.1.evil.example")], "GET", "127.0.0.1", 421),
            (vec![], "GET", "127.0.0.1", 421),
            (vec![here], "GET", "192.168.1.5", 401),
            (vec![here, token], "GET", "192.168.1.5", 200),
            (vec![here, ("authorization", "Bearer secre")], "GET", "192.168.1.5", 401),
            (vec![here], "POST", "127.0.0.1", 200),
            (vec![here, ("origin", "http://127.0.0.1:8420")], "POST", "127.0.0.1", 200),
            (vec![here, ("origin", "http://127.0.0.1:9999")], "POST", "127.0.0.1", 403),
            (vec![here, ("origin", "https://evil.example")], "POST", "127.0.0.1", 403),
            (vec![here, ("origin", "null")], "POST", "127.0.0.1", 403),
            (vec![here, ("sec-fetch-site", "cross-site")], "POST", "127.0.0.1", 403),
            (vec![here, ("sec-fetch-site", "same-site")], "POST", "127.0.0.1", 403),
            (vec![here, ("sec-fetch-site", "same-origin")], "POST", "127.0.0.1", 200),
            (vec![here, ("sec-fetch-site", "cross-site")], "GET", "127.0.0.1", 200),
        ] {
            assert_eq!(
                status(&headers, method, peer),
                expected,
                "{headers:?} {method} {peer}"
            );
        }
    }
}
