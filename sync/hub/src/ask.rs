//! Asks a running hub what its API says: for `shelf-hub orders`, `levels` and `exceptions`.
//!
//! The command line shows what the API answers and knows nothing of its own, so that both can't
//! differ.

use serde_json::Value;

use crate::config::Secret;

/// The hub did not answer what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It can't be reached, or its answer is no JSON.
    #[error("the hub can't be asked at {url}")]
    Http {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It said no.
    #[error("the hub answered {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
}

/// A GET of the API; `url` is the address of the hub.
pub async fn get(url: &str, path: &str, token: Option<&Secret>) -> Result<Value, AskError> {
    let url = format!("{}{path}", url.trim_end_matches('/'));
    let http = |source| AskError::Http {
        url: url.clone(),
        source,
    };
    let client = crate::channels::edge::client(&url).map_err(http)?;
    let mut request = client.get(&url);
    if let Some(token) = token {
        request = request.bearer_auth(token.reveal());
    }
    let answer = request.send().await.map_err(http)?;
    let status = answer.status();
    let body: Value = answer.json().await.map_err(http)?;
    if status.is_success() {
        return Ok(body);
    }
    let detail = body["detail"].as_str().unwrap_or("no reason");
    Err(AskError::Refused {
        status: status.as_u16(),
        detail: detail.to_owned(),
    })
}

/// Rows of an answer as lines of columns.
#[must_use]
pub fn table(rows: &[Value], columns: &[&str]) -> String {
    let cell = |row: &Value, column: &str| match &row[column] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Number(number) if column.ends_with("_thousandths") => {
            let thousandths = number.as_i64().unwrap_or_default();
            match thousandths % 1000 {
                0 => (thousandths / 1000).to_string(),
                rest => format!("{}.{:03}", thousandths / 1000, rest.abs()),
            }
        }
        other => other.to_string(),
    };
    let heads = columns
        .iter()
        .map(|it| it.trim_end_matches("_thousandths").to_owned());
    let mut lines: Vec<Vec<String>> = vec![heads.collect()];
    lines.extend(
        rows.iter()
            .map(|row| columns.iter().map(|it| cell(row, it)).collect()),
    );
    let width = |index: usize| {
        let cells = lines.iter().filter_map(|it| it.get(index));
        cells.map(|it| it.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_shown_in_columns() {
        let rows = [
            json!({"item": "mug", "shown_thousandths": 2000}),
            json!({"item": "cheese", "shown_thousandths": 1250, "more": 1}),
        ];
        let shown = table(&rows, &["item", "shown_thousandths", "state"]);
        let expected = "item    shown  state\nmug     2      -\ncheese  1.250  -";
        assert_eq!(shown, expected);
    }
}
