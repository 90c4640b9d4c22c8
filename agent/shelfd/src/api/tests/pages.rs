//! What a browser gets: whole pages, their language and files, and what strangers are refused.

use super::*;

#[tokio::test]
async fn pages_are_whole_and_escape_what_people_wrote() {
    let bench = bench().await;
    bench.stocked().await;
    bench
        .post(
            "/api/v1/tills/front",
            &json!({"do": "scan", "code": "4006381333931"}),
        )
        .await;
    for path in ["/?q=tea", "/till/front", "/count"] {
        let said = bench.get(path).await;
        assert_eq!(said.status, StatusCode::OK, "{path}");
        let kind = said.headers[header::CONTENT_TYPE].to_str().unwrap();
        assert!(kind.starts_with("text/html"), "{kind}");
        assert!(said.text.contains("<div id=\"live\">"), "{path}");
        for inline in [
            "<style",
            "style=",
            "onclick",
            "javascript:",
            "<tea>",
            "PC <1>",
        ] {
            assert!(!said.text.contains(inline), "{path} has {inline}");
        }
        let scripts = said.text.matches("<script").count();
        assert_eq!(
            scripts,
            said.text.matches("<script src=\"/static/").count(),
            "{path}"
        );
        let policy = said.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.contains("default-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(said.headers["x-content-type-options"], "nosniff");
        assert!(!said.headers.contains_key("access-control-allow-origin"));
    }
    assert!(
        bench
            .get("/till/front")
            .await
            .text
            .contains("Green &lt;tea&gt;")
    );
    assert_eq!(
        bench.get("/till/nowhere").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(bench.get("/till/pos").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_speaks_the_language_that_was_asked_for_and_its_links_carry_it_on() {
    let bench = bench().await;
    let german = bench.get("/?lang=de").await.text;
    assert!(german.contains("lang=\"de\"") && german.contains("href=\"/count?lang=de\""));
    let by_browser = bench
        .ask("GET /", &[("accept-language", "zh-CN,en;q=0.5")], "")
        .await
        .text;
    assert!(by_browser.contains("lang=\"zh\"") && by_browser.contains("href=\"/count\""));
}

#[tokio::test]
async fn files_are_kept_by_the_browser_until_they_change() {
    let bench = bench().await;
    let said = bench.get("/static/style.css").await;
    assert_eq!(said.status, StatusCode::OK);
    let tag = said.headers[header::ETAG].to_str().unwrap().to_owned();
    let again = bench
        .ask("GET /static/style.css", &[("if-none-match", &tag)], "")
        .await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(
        bench.get("/static/../Cargo.toml").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn foreign_pages_and_names_are_refused() {
    let bench = bench().await;
    let scan = r#"{"do":"scan","code":"x"}"#;
    for (headers, expected) in [
        (
            vec![JSON, ("origin", "http://evil.example")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![JSON, ("sec-fetch-site", "cross-site")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![JSON, ("host", "evil.example")],
            StatusCode::MISDIRECTED_REQUEST,
        ),
    ] {
        let said = bench.ask("POST /api/v1/tills/front", &headers, scan).await;
        assert_eq!(said.status, expected, "{headers:?}");
        assert_eq!(
            said.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(said.json()["status"], expected.as_u16());
    }
    let rebound = bench
        .ask("GET /api/v1/status", &[("host", "a.evil.example:8420")], "")
        .await;
    assert_eq!(rebound.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(
        bench.get("/till/front/act").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
