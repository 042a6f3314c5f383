//! Graphs that a session refuses.

use models::manifest::Precision;
use models::session::{Contract, Options, Probe, Session};

use crate::data;

#[test]
fn a_graph_of_another_shape_is_refused_with_both() {
    let Some(path) = data::find("models/detect/yunet_s_320_320.onnx") else { return };
    let onnx = std::fs::read(path).unwrap();
    let refusal = |input: Vec<usize>, outputs| {
        let contract = Contract { input, outputs, precision: Precision::F32 };
        Session::open(onnx.clone(), &contract, &Options::default()).unwrap_err().to_string()
    };
    let large = refusal(vec![1, 3, 640, 640], vec![vec![1]; 12]);
    assert_eq!(large, "input is [1, 3, 320, 320], the manifest says [1, 3, 640, 640]");
    let two = refusal(vec![1, 3, 320, 320], vec![vec![1]; 2]);
    assert_eq!(two, "number of outputs is 12, the manifest says 2");
    let output = refusal(vec![1, 3, 320, 320], vec![vec![1, 1]; 12]);
    assert_eq!(output, "output 0 is [1, 1600, 1], the manifest says [1, 1]");
}

#[test]
fn a_graph_of_floating_point_is_refused_where_integers_are_promised() {
    let Some(path) = data::find("models/detect/yunet_s_320_320.onnx") else { return };
    let (input, outputs) = (vec![1, 3, 320, 320], vec![vec![1]; 12]);
    let contract = Contract { input, outputs, precision: Precision::Int8 };
    let refusal = Session::open(std::fs::read(path).unwrap(), &contract, &Options::default());
    let refusal = refusal.unwrap_err().to_string();
    assert!(refusal.contains(" is Conv, which is no operator of the int8 network"), "{refusal}");
}

#[test]
fn a_kernel_of_another_processor_is_refused_by_name() {
    let other = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
    let kernel = other.parse().unwrap();
    let refusal = Probe::new(kernel).unwrap_err().to_string();
    assert_eq!(refusal, format!("kernel {other} does not run on this processor"));
}

#[test]
fn bytes_that_are_no_graph_are_refused() {
    for bytes in [&b""[..], b"hello", &[0xFF; 64], &[0x0A; 1000]] {
        assert!(Session::open_any(bytes.to_vec(), &Options::default()).is_err());
    }
}

#[test]
fn damaged_graphs_never_panic() {
    let Some(path) = data::find("models/detect/yunet_s_320_320.onnx") else { return };
    let onnx = std::fs::read(path).unwrap();
    assert!(Session::open_any(onnx[..onnx.len() / 2].to_vec(), &Options::default()).is_err());
    let (input, outputs) = (vec![1, 3, 320, 320], vec![vec![1]; 12]);
    let contract = Contract { input, outputs, precision: Precision::F32 };
    for at in (0..onnx.len()).step_by(onnx.len() / 12) {
        let mut damaged = onnx.clone();
        damaged[at..(at + 40).min(onnx.len())].fill(0x8F);
        assert!(Session::open(damaged, &contract, &Options::default()).is_err());
    }
}

#[test]
fn a_session_may_be_made_in_one_thread_and_run_in_another() {
    fn sent<T: Send>() {}
    sent::<Session>();
}
