//! Sales that another system reports.

use super::*;

/// After the opening count, whenever this test runs: a count covers what was sold before it.
fn receipt(number: &str, quantity: &str) -> Value {
    json!({
        "till": "pos", "transaction": number, "time": "2031-11-21T14:03:00+01:00",
        "lines": [{"code": "4006381333931", "quantity": quantity, "unit_price": "3.50"}],
        "payments": [{"kind": "cash", "amount": "7.00"}],
    })
}

#[tokio::test]
async fn another_pos_reports_sales_repeats_conflicts_and_voids() {
    let bench = bench().await;
    bench.stocked().await;
    let first = bench.post("/api/v1/sales", &receipt("1", "2")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(bench.on_hand("tea").await, 8_000);
    let again = bench.post("/api/v1/sales", &receipt("1", "2")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["document"], first.json()["document"]);
    let conflict = bench.post("/api/v1/sales", &receipt("1", "3")).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert_eq!(bench.on_hand("tea").await, 8_000);
    let void = json!({"till": "pos", "transaction": "1", "action": "void",
        "time": "2031-11-21T15:00:00+01:00"});
    assert_eq!(
        bench.post("/api/v1/sales", &void).await.status,
        StatusCode::CREATED
    );
    assert_eq!(bench.on_hand("tea").await, 10_000);
    assert_eq!(
        bench.get("/api/v1/status").await.json()["tills"][1]["sales"],
        2
    );

    let inbox = bench.get("/api/v1/inbox").await.json();
    let entry = &inbox["entries"][0];
    assert_eq!(entry["kind"], "sale_conflict");
    assert!(
        entry["raw"]
            .as_str()
            .unwrap()
            .contains("\"quantity\":\"3\"")
    );
    let id = entry["id"].as_i64().unwrap();
    let resolve = format!("/api/v1/inbox/{id}/resolve");
    assert_eq!(
        bench.post(&resolve, &json!({"answer": "ok"})).await.status,
        StatusCode::OK
    );
    assert_eq!(
        bench.post(&resolve, &json!({"answer": "ok"})).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        bench.get("/api/v1/inbox").await.json(),
        json!({"entries": []})
    );
}

#[tokio::test]
async fn what_can_not_be_used_is_refused_in_words_and_kept() {
    let bench = bench().await;
    bench.stocked().await;
    for (number, body) in [
        receipt("1", "many"),
        json!({"till": "nobody", "transaction": "2", "time": "2026-11-21T14:03:00Z",
            "lines": [{"code": "4006381333931", "quantity": 1}]}),
        json!({"till": "pos", "transaction": "3", "action": "void", "time": "2026-11-21T14:03:00Z"}),
        json!("hello"),
    ]
    .iter()
    .enumerate()
    {
        let said = bench.post("/api/v1/sales", body).await;
        assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{body} {}", said.text);
        assert!(!said.json()["hint"].as_str().unwrap().is_empty());
        let inbox = bench.get("/api/v1/inbox").await.json();
        assert_eq!(inbox["entries"].as_array().unwrap().len(), number + 1);
    }
    assert_eq!(bench.on_hand("tea").await, 10_000);
    let status = bench.get("/api/v1/status").await.json();
    assert_eq!(status["verdict"]["level"], "red");
}

#[tokio::test]
async fn a_report_for_a_till_that_sells_here_is_evidence_only() {
    let bench = bench().await;
    bench.stocked().await;
    let mut body = receipt("9", "2");
    body["till"] = json!("front");
    let said = bench.post("/api/v1/sales", &body).await;
    assert_eq!(said.json()["result"], "evidence", "{}", said.text);
    assert_eq!(bench.on_hand("tea").await, 10_000);
    let again = bench.post("/api/v1/sales", &body).await;
    assert_eq!(
        (again.status, &again.json()["again"]),
        (StatusCode::OK, &json!(true))
    );
}
