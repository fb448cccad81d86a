//! What is worth asking once more, and when.
//!
//! Everything that is asked of the API may be asked twice: a `GET` changes nothing, and neither does a `SelfSubjectAccessReview`, which
//! is a `POST` by its form alone: the API server answers it and keeps nothing.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// How often one request is made at most, however often the server asks for it.
pub(super) const MOST_ASKINGS: u32 = 6;

/// How soon a request whose connection broke is made again: whatever restarts behind a load balancer has gone by then.
pub(super) const SECOND_TRY: Duration = Duration::from_millis(200);

/// The shortest wait, also for a server that says "at once".
const SHORTEST: Duration = Duration::from_millis(200);

/// How long a server that is too busy asks to be left alone: `Retry-After`, in seconds or as a date.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match told.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // By the server's own clock, which need not be ours.
        Err(_) => until(date(told)?, headers.get(DATE).and_then(|now| date(now.to_str().ok()?))),
    };
    Some(wait.max(SHORTEST))
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

fn until(then: Timestamp, now: Option<Timestamp>) -> Duration {
    let now = now.or_else(|| Timestamp::try_from(SystemTime::now()).ok()).unwrap_or(then);
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(http::HeaderName, &str)]) -> Option<Duration> {
        let headers: HeaderMap = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        after(&headers)
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(told(&[(RETRY_AFTER, "1")]), Some(Duration::from_secs(1)));
        assert_eq!(told(&[(RETRY_AFTER, " 3600 ")]), Some(Duration::from_secs(3600)));
        let (now, then) = ("Mon, 30 Nov 2026 23:00:00 GMT", "Mon, 30 Nov 2026 23:00:02 GMT");
        assert_eq!(told(&[(RETRY_AFTER, then), (DATE, now)]), Some(Duration::from_secs(2)));
        assert_eq!(told(&[(RETRY_AFTER, now), (DATE, then)]), Some(SHORTEST), "a date that has passed");
        assert_eq!(told(&[(RETRY_AFTER, "Fri, 31 Dec 1999 23:59:59 GMT")]), Some(SHORTEST), "by our own clock");
        assert_eq!(told(&[(RETRY_AFTER, "0")]), Some(SHORTEST));
    }

    #[test]
    fn what_makes_no_sense_asks_for_nothing() {
        for text in ["", "soon", "-1", "1.5", "99999999999999999999", "30 Nov"] {
            assert_eq!(told(&[(RETRY_AFTER, text)]), None, "{text}");
        }
        assert_eq!(told(&[]), None);
    }
}
