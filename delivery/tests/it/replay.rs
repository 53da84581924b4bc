//! The replay: the loop on past days.

use covid_testing::{Output, Sandbox, World};

use crate::run;

const WORLD: World = World { places: 6, days: 150 };

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("world.csv", WORLD.csv(|_, _, place| Some(place)));
    sandbox
}

fn replay(sandbox: &Sandbox, more: &[&str]) -> Output {
    let args = ["replay", "-q", "--source", "world.csv", "--from", "2021-04-20", "--to", "2021-05-20"];
    run(sandbox, &args.iter().chain(more).copied().collect::<Vec<_>>())
}

#[test]
fn it_ends_with_the_comparison_and_touches_no_champion() {
    let sandbox = sandbox();
    let output = replay(&sandbox, &[]);
    assert!(output.success(), "{output}");
    let last = output.stdout.trim_end().lines().last().unwrap();
    for who in ["the loop ", "first champion (", ", refitted each time ", "persistence, ", "ensemble, "] {
        assert!(last.contains(who), "{who}: {output}");
    }
    let outside = sandbox.files().into_iter().filter(|file| !file.starts_with("store/world/replays/"));
    assert_eq!(outside.collect::<Vec<_>>(), ["store/.covid-lock", "world.csv"]);
}

#[test]
fn called_again_it_says_the_same_and_does_nothing_twice() {
    let sandbox = sandbox();
    let first = replay(&sandbox, &["--every", "3d"]);
    let before = sandbox.files();
    let second = replay(&sandbox, &["--every", "3d"]);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(before, sandbox.files());
}

#[test]
#[cfg(unix)]
fn killed_in_the_middle_it_goes_on_to_the_same_end() {
    let whole = sandbox();
    let whole_output = replay(&whole, &[]);
    let cut = sandbox();
    let args = ["replay", "-q", "--source", "world.csv", "--from", "2021-04-20", "--to", "2021-05-20"];
    let deliveries = || cut.files().iter().filter(|file| file.contains("/world/deliveries/as_of=")).count();
    for kills in 1..=3 {
        let mut child = cut.command(env!("CARGO_BIN_EXE_delivery"), &args).spawn().unwrap();
        // Killed in the middle of the sixth, the twelfth and the eighteenth day.
        while deliveries() < 6 * kills && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
        assert!(deliveries() < 31, "it is not at its end");
    }
    let output = replay(&cut, &[]);
    assert_eq!(output.stdout, whole_output.stdout);
    // What was forecast is the same, too.
    assert_eq!(forecasts(&cut), forecasts(&whole));
}

/// Every committed forecast of a replay, by as-of date: the SHA-256 of its parts.
#[cfg(unix)]
fn forecasts(sandbox: &Sandbox) -> Vec<String> {
    let manifests = sandbox.files().into_iter().filter(|file| file.contains("/world/predictions/commits/"));
    let digest = |file: String| {
        let manifest: serde_json::Value = serde_json::from_str(&sandbox.read(&file)).unwrap();
        let sums: Vec<&serde_json::Value> =
            manifest["parts"].as_array().unwrap().iter().map(|part| &part["sha256"]).collect();
        format!("{} {sums:?}", manifest["as_of"])
    };
    manifests.map(digest).collect()
}

#[test]
fn what_comes_after_the_last_day_changes_nothing() {
    let (one, other) = (sandbox(), Sandbox::new());
    // Day 139 is 2021-05-20.
    let changed = |_, day: usize, mut place: covid_testing::PlaceDay| {
        if day > 139 {
            place.counts = place.counts.map(|count| count.map(|count| count * 7));
        }
        Some(place)
    };
    other.write("world.csv", WORLD.csv(changed));
    let figures = |output: &Output| {
        let lines = output
            .stdout
            .lines()
            .filter(|line| !line.starts_with("tree: ") && !line.starts_with("page: ") && !line.contains("long table"));
        lines.map(str::to_owned).collect::<Vec<String>>()
    };
    let [one, other] = [&one, &other].map(|sandbox| replay(sandbox, &["--every", "2d"]));
    assert!(one.success() && other.success(), "{one}{other}");
    assert_eq!(figures(&one), figures(&other));
}

#[test]
fn days_that_are_not_there_are_an_error() {
    let sandbox = sandbox();
    let run = |args: &[&str]| {
        let all: Vec<&str> =
            ["replay", "-q", "--source", "world.csv"].into_iter().chain(args.iter().copied()).collect();
        run(&sandbox, &all)
    };
    let early = run(&["--from", "2021-01-10", "--to", "2021-02-10"]);
    assert_eq!(early.code, Some(3), "{early}");
    let outside = run(&["--from", "2021-04-20", "--to", "2022-02-10"]);
    assert_eq!(outside.code, Some(2), "{outside}");
    let reversed = run(&["--from", "2021-04-20", "--to", "2021-04-10"]);
    assert_eq!(reversed.code, Some(2), "{reversed}");
    assert_eq!(sandbox.files(), ["world.csv"], "nothing is written");
}
