//! The staged run as a folder: seen when it is whole, and only then.

use claimlake_contract::{NoProgress, StagedManifest};
use claimlake_transformer::{Plan, PlanInput, TransformError, ViewText, transform};
use sha2::{Digest, Sha256};

use crate::scene::{STAGED_RUN, Scene, claim};

#[test]
fn a_staged_run_is_sealed_by_a_manifest_that_fits_its_files() {
    let scene = Scene::new();
    scene.land(&[vec![claim("1", ""), claim("2", r#","item":[{},{}]"#)]]);
    let staged = scene.transform();
    let folder = scene.staged().join(format!("run={STAGED_RUN}"));
    assert_eq!(staged.outcome.folder, folder);
    let text = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: StagedManifest = serde_json::from_slice(&text).unwrap();
    assert_eq!(manifest, staged.outcome.manifest);
    let names: Vec<&str> = manifest
        .tables
        .iter()
        .map(|table| table.layout.name.as_str())
        .collect();
    assert_eq!(names, ["claim", "item"]);
    for file in manifest.tables.iter().flat_map(|table| &table.files) {
        let bytes = std::fs::read(folder.join(&file.file)).unwrap();
        assert_eq!(bytes.len() as u64, file.bytes);
        let hash: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hash, file.sha256);
    }
    // Columns that a table does not have are not in its layout.
    assert_eq!(manifest.tables[0].layout.partition_by, ["service_year"]);
    let unread = std::fs::read_to_string(folder.join("unread.json")).unwrap();
    assert!(unread.contains("\"resourceType\""));
    let left: Vec<_> = std::fs::read_dir(scene.staged()).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn an_empty_landing_gives_an_empty_staged_run_with_all_tables() {
    let scene = Scene::new();
    scene.land(&Vec::<Vec<String>>::new());
    let staged = scene.transform();
    assert_eq!(staged.outcome.manifest.resources, 0);
    for table in ["claim", "item", "_keys"] {
        assert!(staged.rows(table).is_empty());
    }
}

#[test]
fn what_a_killed_transform_left_is_removed_by_the_next() {
    let scene = Scene::new();
    scene.land(&[vec![claim("1", "")]]);
    let left = scene
        .staged()
        .join("building-20261123T000000.000Z-0000/claim");
    std::fs::create_dir_all(&left).unwrap();
    scene.transform();
    assert!(!left.exists());
}

#[test]
fn a_run_id_is_used_once() {
    let scene = Scene::new();
    scene.land(&[vec![claim("1", "")]]);
    scene.transform();
    let again = transform(&scene.options(), &scene.plan(), &NoProgress);
    assert!(matches!(again, Err(TransformError::RunExists { .. })));
}

#[test]
fn a_staged_folder_that_cannot_be_written_is_an_error_that_leaves_nothing() {
    let scene = Scene::new();
    scene.land(&[vec![claim("1", "")]]);
    std::fs::write(scene.staged(), b"a file where the folder should be").unwrap();
    let error = transform(&scene.options(), &scene.plan(), &NoProgress).unwrap_err();
    assert!(error.to_string().contains("staged"), "{error}");
}

#[test]
fn a_view_that_is_wrong_is_refused_with_its_file_and_place() {
    let view = |text: &str| ViewText {
        place: "views/wrong.json".into(),
        text: text.into(),
    };
    for (text, place) in [
        ("{", "views/wrong.json: $"),
        (
            r#"{"resource":"Patient","select":[{"column":[{"name":"a","path":"b"}]}]}"#,
            "views/wrong.json: name",
        ),
        (
            r#"{"name":"a","resource":"Patient","select":[{"column":[{"name":"a","path":"b.resolve()"}]}]}"#,
            "views/wrong.json: select[0].column[0].path",
        ),
        (
            r#"{"name":"../a","resource":"Patient","select":[{"column":[{"name":"a","path":"b"}]}]}"#,
            "views/wrong.json: name",
        ),
    ] {
        let problems = Plan::compile(&PlanInput {
            views: vec![view(text)],
            ..PlanInput::default()
        })
        .unwrap_err();
        assert_eq!(problems[0].place, place, "{problems:?}");
    }
}

#[test]
fn the_hash_of_a_view_changes_with_what_it_says_and_not_with_its_white_space() {
    let hash = |views: Vec<ViewText>| {
        let input = PlanInput {
            views,
            ..PlanInput::default()
        };
        Plan::compile(&input).unwrap().hash().to_owned()
    };
    let mut views = crate::scene::views();
    let first = hash(views.clone());
    views[0].text = views[0].text.replace('\n', "\n  ");
    assert_eq!(hash(views.clone()), first);
    views[0].text = views[0].text.replace("DECIMAL(18,2)", "DECIMAL(18,3)");
    assert_ne!(hash(views), first);
}
