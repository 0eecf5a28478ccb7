//! The machine against a world in memory: shared state and caBundle are values, time is a number.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::certificates::issue::issue;

const LIFETIME: Duration = Duration::from_secs(30);
const HOST: &str = "svc.ns.svc";

fn start() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Shared state, caBundle and clock, with any number of replicas.
struct Stage {
    now: Timestamp,
    contents: Contents,
    bundle: Bundle,
    replicas: Vec<Machine>,
    bundle_writes: usize,
}

fn machine(jitter: f64) -> Machine {
    Machine::new(Policy {
        hosts: vec![HOST.to_owned()],
        lifetime: LIFETIME,
        jitter,
    })
}

impl Stage {
    fn new(replicas: usize) -> Self {
        let replicas = (0..replicas)
            .map(|number| machine(number as f64 / 10.0))
            .collect();
        let bundle = Bundle::Seen(vec![Hook {
            name: "webhook".to_owned(),
            server_name: HOST.to_owned(),
            authorities: Vec::new(),
        }]);
        Self {
            now: start(),
            contents: Contents::default(),
            bundle,
            replicas,
            bundle_writes: 0,
        }
    }

    fn authorities(&mut self) -> &mut Vec<Authority> {
        match &mut self.bundle {
            Bundle::Seen(hooks) => &mut hooks[0].authorities,
            _ => panic!("no bundle"),
        }
    }

    /// One replica looks and all its writes succeed.
    fn step(&mut self, replica: usize) -> Step {
        let world = World {
            now: self.now,
            contents: Some(&self.contents),
            bundle: &self.bundle,
        };
        let step = self.replicas[replica].step(&world);
        match &step.write {
            Some(Write::Stage { hosts }) => {
                let issued = issue(hosts, self.now, LIFETIME).unwrap();
                self.contents = self.replicas[replica].stage(&self.contents, &issued, self.now);
            }
            Some(Write::Promote(contents)) => self.contents = contents.clone(),
            None => {}
        }
        if let Some(authorities) = &step.bundle {
            *self.authorities() = authorities.clone();
            self.bundle_writes += 1;
        }
        step
    }

    fn serving(&mut self, replica: usize) -> Serving {
        self.step(replica).serving
    }
}

#[test]
fn the_first_certificate_is_served_once_its_authority_was_seen_and_settled() {
    let mut stage = Stage::new(1);
    let step = stage.step(0);
    assert!(step.serving.pair.is_none());
    assert!(stage.contents.next.is_some() && stage.contents.current.is_none());
    let step = stage.step(0);
    // Rather an untrusted certificate than none, but it does not count as ready.
    assert!(step.serving.pair.is_some());
    assert!(matches!(step.serving.trust, Trust::Missing(_)));
    assert_eq!(stage.authorities().len(), 1);
    let step = stage.step(0);
    assert_eq!(step.serving.trust, Trust::Seen);
    assert!(
        stage.contents.current.is_none(),
        "promoted before it settled"
    );
    assert_eq!(step.wake, stage.now + SETTLE);
    stage.now += SETTLE;
    stage.step(0);
    assert!(stage.contents.current.is_some() && stage.contents.next.is_none());
    assert!(stage.serving(0).check(stage.now).is_ok());
}

#[test]
fn every_replica_serves_a_trusted_certificate_at_every_moment_of_many_lives() {
    let mut stage = Stage::new(3);
    let mut leaves = std::collections::BTreeSet::new();
    for second in 0..120 {
        stage.now += seconds(1);
        for replica in 0..3 {
            let serving = stage.serving(replica);
            // Nothing can be ready in the first seconds.
            if second > 5 {
                assert_eq!(
                    serving.check(stage.now),
                    Ok(()),
                    "replica {replica} at {}",
                    stage.now
                );
            }
            leaves.extend(serving.pair.map(|pair| pair.chain()[0].to_vec()));
        }
        assert!(stage.authorities().len() <= 3, "authorities pile up");
        // A replica dies and another one takes its place, knowing nothing.
        if second % 10 == 9 {
            stage.replicas[second % 3] = machine(0.3);
        }
    }
    assert!(
        (5..=9).contains(&leaves.len()),
        "{} certificates in 120 s",
        leaves.len()
    );
    // The last one may have been staged and not be in service yet.
    assert!((leaves.len()..=leaves.len() + 1).contains(&stage.bundle_writes));
}

#[test]
fn an_emptied_bundle_is_put_right_at_once_even_for_what_was_before() {
    let mut stage = Stage::new(1);
    for _ in 0..4 * 40 {
        stage.now += Duration::from_millis(250);
        stage.step(0);
    }
    assert!(stage.authorities().len() >= 2);
    let before = stage.serving(0).pair.unwrap();
    stage.authorities().clear();
    let step = stage.step(0);
    assert!(
        step.bundle.is_some_and(|bundle| bundle.len() >= 2),
        "the old authority is lost"
    );
    let serving = stage.serving(0);
    assert!(serving.pair.unwrap().same_as(&before));
    assert_eq!(serving.trust, Trust::Seen);
}

#[test]
fn a_lost_race_changes_nothing() {
    let mut stage = Stage::new(2);
    let world = World {
        now: stage.now,
        contents: Some(&stage.contents),
        bundle: &stage.bundle,
    };
    // Both want to stage; the second one's write fails, so it looks again.
    assert!(matches!(
        stage.replicas[1].step(&world).write,
        Some(Write::Stage { .. })
    ));
    stage.step(0);
    let staged = stage.contents.clone();
    let step = stage.step(1);
    assert!(step.write.is_none());
    assert_eq!(stage.contents, staged);
}

/// A certificate as a reference leader publishes it: `cert` and `key` alone, its CA only in the caBundle.
fn foreign(stage: &mut Stage, life: Duration) -> Authority {
    let issued = issue(&[HOST.to_owned()], stage.now, life).unwrap();
    stage.contents = Contents {
        current: Some(Texts::from(&issued)),
        ..Contents::default()
    };
    authorities::parse(&issued.ca).remove(0)
}

#[test]
fn a_certificate_of_the_reference_is_served_and_left_to_it() {
    let mut stage = Stage::new(2);
    let authority = foreign(&mut stage, seconds(24 * 3600));
    stage.authorities().push(authority.clone());
    for hour in 0..22 {
        let step = stage.step(hour % 2);
        assert_eq!(step.serving.trust, Trust::Seen);
        assert!(step.write.is_none() && step.bundle.is_none(), "hour {hour}");
        stage.now += seconds(3600);
    }
    stage.authorities().clear();
    assert_eq!(
        stage.step(0).bundle,
        Some(vec![authority]),
        "its authority is remembered"
    );
    // Nobody renewed it: near its end we do.
    stage.now += seconds(6000);
    stage.step(0);
    assert!(stage.contents.next.is_some());
    stage.step(0);
    stage.step(0);
    stage.now += SETTLE;
    stage.step(0);
    assert!(stage.contents.next.is_none());
    assert_eq!(stage.serving(1).trust, Trust::Seen);
}

#[test]
fn a_certificate_published_before_its_authority_is_waited_for_while_ours_is_served() {
    let mut stage = Stage::new(1);
    for _ in 0..4 * 10 {
        stage.now += Duration::from_millis(250);
        stage.step(0);
    }
    let ours = stage.serving(0).pair.unwrap();
    let authority = foreign(&mut stage, seconds(3600));
    let serving = stage.serving(0);
    assert!(serving.pair.as_ref().unwrap().same_as(&ours));
    assert_eq!(serving.trust, Trust::Seen);
    stage.authorities().push(authority);
    let serving = stage.serving(0);
    assert!(!serving.pair.unwrap().same_as(&ours));
    assert_eq!(serving.trust, Trust::Seen);
}

#[test]
fn a_certificate_that_nobody_ever_trusts_is_replaced() {
    let mut stage = Stage::new(1);
    foreign(&mut stage, seconds(3600));
    assert!(stage.step(0).write.is_none());
    stage.now += FOREIGN_PATIENCE;
    assert!(matches!(stage.step(0).write, Some(Write::Stage { .. })));
}

#[test]
fn a_certificate_for_other_hosts_is_replaced_by_one_for_all() {
    let mut stage = Stage::new(1);
    let issued = issue(&["other.ns.svc".to_owned()], stage.now, LIFETIME).unwrap();
    stage.contents = machine(0.0).stage(&Contents::default(), &issued, stage.now);
    stage.contents.current = stage.contents.next.take();
    let world = World {
        now: stage.now,
        contents: Some(&stage.contents),
        bundle: &stage.bundle,
    };
    match stage.replicas[0].step(&world).write {
        Some(Write::Stage { hosts }) => assert_eq!(hosts, [HOST, "other.ns.svc"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_webhook_configuration_the_certificate_serves_but_is_not_ready() {
    let mut stage = Stage::new(1);
    stage.bundle = Bundle::Unknown("webhook configuration `x` not found".to_owned());
    for _ in 0..20 {
        stage.now += seconds(1);
        stage.step(0);
    }
    let serving = stage.serving(0);
    assert!(serving.pair.is_some());
    assert_eq!(
        serving.trust,
        Trust::Missing("webhook configuration `x` not found".to_owned())
    );
    // A life without any answer from the API: a new pair all the same, before the old one ends.
    for _ in 0..40 {
        stage.now += seconds(1);
        let serving = stage.serving(0);
        assert!(
            serving.pair.is_some_and(|pair| pair.is_valid_at(stage.now)),
            "{}",
            stage.now
        );
    }
}

#[test]
fn nobody_names_a_configuration_so_nothing_is_waited_for() {
    let mut stage = Stage::new(1);
    stage.bundle = Bundle::NotOurs;
    stage.step(0);
    stage.step(0);
    assert!(stage.contents.current.is_some());
    assert_eq!(stage.serving(0).trust, Trust::NotOurs);
}

#[test]
fn nothing_is_written_before_the_shared_state_is_known() {
    let mut replica = machine(0.0);
    let bundle = Bundle::Seen(vec![Hook {
        name: "webhook".to_owned(),
        server_name: HOST.to_owned(),
        authorities: Vec::new(),
    }]);
    let step = replica.step(&World {
        now: start(),
        contents: None,
        bundle: &bundle,
    });
    assert!(step.write.is_none() && step.bundle.is_none() && step.serving.pair.is_none());
}

#[test]
fn a_bundle_never_grows_without_end() {
    let mut stage = Stage::new(1);
    for _ in 0..MOST_AUTHORITIES + 8 {
        // A replica without a Secret that starts again and again.
        stage.contents = Contents::default();
        stage.replicas[0] = machine(0.0);
        stage.step(0);
        stage.step(0);
    }
    assert_eq!(stage.authorities().len(), MOST_AUTHORITIES);
    stage.step(0);
    assert_eq!(
        stage.serving(0).trust,
        Trust::Seen,
        "the newest authority stays"
    );
}
