//! Who may ask: the bearer token, and without one a loopback host only.
//!
//! Without a token the hub listens on loopback, where every program of the machine may ask, also
//! a browser: a page of another site that has its name point at 127.0.0.1 sends its own name as
//! the host, which is refused here.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use super::{Api, Problem};
use crate::config::Secret;

/// Passes a request on or answers it with 401 or 403. `/healthz` is for everyone.
pub(super) async fn check(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if request.uri().path() != "/healthz" {
        let text = |name| request.headers().get(name).and_then(|it| it.to_str().ok());
        allowed(
            api.token.as_ref(),
            text(header::AUTHORIZATION),
            text(header::HOST),
        )?;
    }
    Ok(next.run(request).await)
}

fn allowed(
    token: Option<&Secret>,
    authorization: Option<&str>,
    host: Option<&str>,
) -> Result<(), Problem> {
    let Some(token) = token else {
        return match host {
            Some(host) if !is_loopback(host) => Err(Problem::forbidden(
                format!("the host `{host}` is not this machine's own"),
                "ask 127.0.0.1 or localhost, or set `http.token_file`",
            )),
            _ => Ok(()),
        };
    };
    let given = authorization.and_then(bearer);
    if given.is_some_and(|it| token.matches(it)) {
        return Ok(());
    }
    let which = if given.is_some() {
        "another token"
    } else {
        "no token"
    };
    Err(Problem::unauthorised(
        format!("the request carries {which}"),
        "send `Authorization: Bearer` with the token of `http.token_file`",
    ))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machines_own_names_are_loopback() {
        for host in [
            "localhost",
            "localhost:80",
            "127.0.0.1:8430",
            "[::1]:1",
            "[::1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "evil.example:8430",
            "10.0.0.1",
            "127.0.0.1.evil.example",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
