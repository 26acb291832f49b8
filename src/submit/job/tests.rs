//! What becomes of messages and their parts.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::pdu::SubmitSm;
use crate::submit::Pending;

fn job(parts: usize) -> (Box<Job>, Pending) {
    let (reply, pending) = Reply::channel(Reference::Number(7));
    let pdu = || Pdu::from(SubmitSm::default());
    let parts = match parts {
        1 => Parts::One(pdu()),
        parts => Parts::Many((0..parts).map(|_| pdu()).collect()),
    };
    (Job::new(parts, reply), pending)
}

fn outcome(pending: Pending) -> SubmitResult {
    match pin!(pending).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("not answered"),
    }
}

fn bind() -> BindId {
    BindId::new("a-1")
}

fn id(text: &str) -> MessageId {
    MessageId::try_from(text).unwrap()
}

fn unknown(sequence: u32, cause: UnknownCause) -> SubmitError {
    SubmitError::Unknown {
        bind: bind(),
        sequence: SequenceNumber::new(sequence),
        cause,
    }
}

const DROPPED: SubmitError = SubmitError::NotSent {
    cause: NotSentCause::Dropped,
};

#[test]
fn an_accepted_message_has_the_time_since_intake() {
    let (mut job, pending) = job(1);
    let start = Instant::now();
    job.handle_intake(3, start);
    job.handle_sent(0, &bind(), SequenceNumber::FIRST);
    job.handle_accepted(0, id("x"), start + Duration::from_secs(2));
    assert!(job.is_finished());
    job.finish();
    let submitted = Submitted::new(MessageIds::One(id("x")), bind(), Duration::from_secs(2));
    assert_eq!(outcome(pending), Ok(submitted));
}

#[test]
fn dropped_it_is_not_sent_before_the_session_took_it_and_unknown_after() {
    let (mut job, pending) = self::job(1);
    job.handle_sent(0, &bind(), SequenceNumber::FIRST);
    job.handle_returned(0);
    drop(job);
    assert_eq!(outcome(pending), Err(DROPPED));

    let (mut job, pending) = self::job(1);
    job.handle_sent(0, &bind(), SequenceNumber::FIRST);
    drop(job);
    assert_eq!(outcome(pending), Err(unknown(1, UnknownCause::Dropped)));
}

#[test]
fn what_is_sent_again_stays_unknown_unless_it_is_accepted() {
    type End = fn(Box<Job>);
    let ends: [End; 5] = [
        |job| job.refuse(&SubmitError::Expired),
        |job| job.refuse(&SubmitError::ShuttingDown),
        |mut job| {
            job.handle_sent(0, &bind(), SequenceNumber::new(8));
            job.handle_rejected(0, CommandStatus::ESME_RINVDSTADR);
            job.finish();
        },
        |mut job| {
            job.handle_refused(0, SubmitError::NoRoute);
            job.finish();
        },
        drop,
    ];
    let doubtful = || {
        let (mut job, pending) = self::job(1);
        job.terms.unknown = UnknownPolicy::AtLeastOnce;
        job.handle_sent(0, &bind(), SequenceNumber::new(7));
        assert!(job.handle_doubtful(0, UnknownCause::LinkLost));
        assert!(!job.has_written(), "it may leave by any bind");
        (job, pending)
    };
    for (case, end) in ends.into_iter().enumerate() {
        let (job, pending) = doubtful();
        end(job);
        let expected = Err(unknown(7, UnknownCause::LinkLost));
        assert_eq!(outcome(pending), expected, "case {case}");
    }
    let (mut job, pending) = doubtful();
    job.handle_sent(0, &bind(), SequenceNumber::new(8));
    job.handle_accepted(0, id("x"), Instant::now());
    job.finish();
    assert!(outcome(pending).is_ok());
}

#[test]
fn only_what_may_be_sent_twice_is_and_no_more_than_twice() {
    let (mut job, _pending) = self::job(1);
    let unknown = |job: &mut Job| {
        job.handle_sent(0, &bind(), SequenceNumber::FIRST);
        job.handle_doubtful(0, UnknownCause::LinkLost)
    };
    assert!(!unknown(&mut job));
    job.terms.unknown = UnknownPolicy::AtLeastOnce;
    assert_eq!([(); 3].map(|()| unknown(&mut job)), [true, true, false]);
    assert!(job.has_written(), "and then it is as it was");
}

#[test]
fn parts_that_end_alike_are_one_outcome_and_others_are_partial() {
    let sent = |job: &mut Job, part: usize| {
        let sequence = SequenceNumber::new(u32::try_from(part).unwrap() + 1);
        job.handle_sent(part, &bind(), sequence);
    };
    let now = Instant::now();

    let (mut all, pending) = job(2);
    for (part, name) in ["x", "y"].into_iter().enumerate() {
        assert_eq!(all.next_part(), Some(part));
        sent(&mut all, part);
        all.handle_accepted(part, id(name), now);
    }
    assert_eq!(all.next_part(), None);
    all.finish();
    let ids = outcome(pending).unwrap().message_ids;
    assert_eq!(*ids, [id("x"), id("y")]);

    let (mut none, pending) = job(2);
    for part in 0..2 {
        sent(&mut none, part);
        none.handle_rejected(part, CommandStatus::ESME_RINVDSTADR);
    }
    none.finish();
    assert!(matches!(outcome(pending), Err(SubmitError::Rejected { .. })));

    let (mut lost, pending) = job(3);
    for part in 0..2 {
        sent(&mut lost, part);
    }
    lost.handle_accepted(0, id("x"), now);
    assert_eq!((lost.unfinished(), lost.next_part()), (2, Some(2)));
    assert!(lost.has_written());
    lost.close(&SubmitError::ShuttingDown, UnknownCause::ShutDown);
    let Err(SubmitError::Partial { parts }) = outcome(pending) else {
        panic!("not partial")
    };
    assert!(parts[0].is_ok());
    assert_eq!(parts[1], Err(unknown(2, UnknownCause::ShutDown)));
    assert_eq!(parts[2], Err(SubmitError::ShuttingDown));

    let (untouched, pending) = job(2);
    untouched.refuse(&SubmitError::Busy);
    assert_eq!(outcome(pending), Err(SubmitError::Busy));
}

#[test]
fn a_message_of_which_a_part_was_written_does_not_expire() {
    let (mut job, _pending) = job(2);
    let start = Instant::now();
    job.terms.validity = Some(Duration::from_secs(1));
    job.handle_intake(0, start);
    let late = start + Duration::from_secs(1);
    assert!(job.is_expired(late));
    job.handle_sent(0, &bind(), SequenceNumber::FIRST);
    assert!(!job.is_expired(late));
    job.handle_returned(0);
    assert!(job.is_expired(late));
}

#[test]
fn a_validity_beyond_the_clock_is_no_limit() {
    let (mut job, _pending) = job(1);
    job.terms.validity = Some(Duration::MAX);
    job.handle_intake(0, Instant::now());
    assert_eq!(job.expires_at(), None);
}
