//! What client-go says by klog in the middle of a speaker's log: objects that could not be listed.

/// Where the reason begins in every version: `failed to list *v1.Service: …`.
const FAILED: &str = "failed to list *";

/// Why objects could not be listed, in client-go's words.
///
/// Up to client-go 0.31 the reason ends the line; since 0.32 it is the value of `err`, in quotes, with those within it escaped.
pub(super) fn not_listed(text: &str) -> Option<String> {
    let level = text.as_bytes().first().is_some_and(|level| matches!(level, b'E' | b'W'));
    if !level || !text.contains("reflector.go:") {
        return None;
    }
    let reason = &text[text.find(FAILED)?..];
    let quoted = text.contains(" err=\"");
    if !quoted {
        return Some(reason.trim().to_owned());
    }
    let mut told = String::new();
    let mut letters = reason.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => told.extend(letters.next()),
            other => told.push(other),
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_told_whichever_client_wrote_it() {
        // MetalLB 0.15.2 without its ClusterRoleBinding; client-go 0.33.
        let new = r#"E1202 18:22:19.518345       1 reflector.go:200] "Failed to watch" err="failed to list *v1.EndpointSlice: endpointslices.discovery.k8s.io is forbidden: User \"system:serviceaccount:metallb-system:speaker\" cannot list resource \"endpointslices\"" logger="UnhandledError" type="*v1.EndpointSlice""#;
        let why = not_listed(new).unwrap();
        assert!(why.starts_with("failed to list *v1.EndpointSlice: ") && why.ends_with("cannot list resource \"endpointslices\""), "{why}");
        // The form of client-go 0.29, from its sources (tools/cache/reflector.go, `watchErrorHandler`).
        let old = r#"W0102 10:00:00.000000       1 reflector.go:539] pkg/mod/k8s.io/client-go@v0.29.3/tools/cache/reflector.go:229: failed to list *v1.Service: Get "https://10.96.0.1:443/api/v1/services": dial tcp 10.96.0.1:443: connect: connection refused"#;
        assert!(not_listed(old).unwrap().ends_with("connection refused"));
        assert_eq!(not_listed("I0102 10:00:00.000000 1 reflector.go:289] Starting reflector *v1.Service"), None);
        assert_eq!(not_listed("E0102 10:00:00.000000 1 leaderelection.go:330] failed to list *x"), None);
    }
}
