//! The house rules that no compiler knows: sizes, opening paragraphs, leftovers.
//!
//! Each finding names the file, the line and the rule. The rules are about the tree as it is, so
//! this only reads.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARACTERS_MAX: usize = 120;
const FILE_BYTES_MAX: u64 = 1_000_000;
const SKIPPED_FOLDERS: &[&str] = &["target", ".git", "fuzz", "node_modules"];

/// Fails with every finding at once.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut findings = Vec::new();
    for path in files(root)? {
        let shown = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        if fs::metadata(&path)?.len() > FILE_BYTES_MAX {
            findings.push(format!("{shown}: larger than {FILE_BYTES_MAX} bytes"));
        }
        if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).with_context(|| shown.clone())?;
            rust_file(&shown, &text, &mut findings);
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{} findings\n  {}", findings.len(), findings.join("\n  "));
}

fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if !SKIPPED_FOLDERS.iter().any(|it| name == *it) {
                    folders.push(entry.path());
                }
            } else if entry.file_type()?.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn rust_file(shown: &str, text: &str, findings: &mut Vec<String>) {
    let generated = text
        .lines()
        .next()
        .is_some_and(|it| it.contains("@generated"));
    if generated {
        return;
    }
    let in_tests = shown.contains("/tests/")
        || shown.ends_with("/tests.rs")
        || shown.contains("/conformance/")
        || shown.contains("/benches/")
        || shown.contains("/examples/");
    let lines: Vec<&str> = text.lines().collect();
    let tests_from = lines
        .iter()
        .position(|it| it.contains("#[cfg(test)]"))
        .unwrap_or(lines.len());
    if !text.trim_start().starts_with("//!") {
        findings.push(format!("{shown}: no opening //! paragraph"));
    }
    if !in_tests && tests_from > FILE_LINES_MAX {
        findings.push(format!(
            "{shown}: {tests_from} lines, more than {FILE_LINES_MAX}: split it"
        ));
    }
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        // One literal can't be broken without hurting it.
        let literal = ["http", "r#\"", "&str = \""]
            .iter()
            .any(|it| line.contains(it));
        if line.chars().count() > LINE_CHARACTERS_MAX && !literal && !in_tests {
            findings.push(format!(
                "{shown}:{number}: longer than {LINE_CHARACTERS_MAX}"
            ));
        }
        let leftovers = [
            concat!("TO", "DO"),
            concat!("FIX", "ME"),
            concat!("XX", "X:"),
        ];
        if leftovers.iter().any(|it| line.contains(it)) {
            findings.push(format!(
                "{shown}:{number}: a leftover: do it or write an issue"
            ));
        }
        if in_tests && line.contains("#[ignore") {
            findings.push(format!("{shown}:{number}: an ignored test"));
        }
        // A test whose subject is a random moment waits for one, and says so in the line before.
        let says_why = index.checked_sub(1).and_then(|it| lines.get(it));
        let says_why = says_why.is_some_and(|it| it.contains("// A random moment"));
        if in_tests && line.contains("thread::sleep") && !says_why {
            findings.push(format!("{shown}:{number}: a sleep in a test"));
        }
    }
    // In tests the compiler's own lint counts: there, a table may make a function long on paper.
    if !in_tests {
        functions(shown, lines.get(..tests_from).unwrap_or_default(), findings);
    }
}

/// Functions are found by their indentation, which formatting guarantees.
fn functions(shown: &str, lines: &[&str], findings: &mut Vec<String>) {
    let mut open: Option<(usize, usize)> = None;
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let starts = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "async fn ",
            "pub async fn ",
            "const fn ",
        ];
        if starts.iter().any(|it| code.starts_with(it)) && !code.ends_with(';') {
            open = Some((index, indent));
        }
        if let Some((start, at)) = open
            && code == "}"
            && indent == at
        {
            let taken = index - start + 1;
            if taken > FUNCTION_LINES_MAX {
                let number = start + 1;
                findings.push(format!("{shown}:{number}: a function of {taken} lines"));
            }
            open = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        check(&crate::root()).unwrap();
    }

    #[test]
    fn a_long_function_and_a_bare_module_are_found() {
        let mut findings = Vec::new();
        let body = "    let a = 1;\n".repeat(FUNCTION_LINES_MAX);
        rust_file(
            "x/src/a.rs",
            &format!("fn long() {{\n{body}}}\n"),
            &mut findings,
        );
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}
