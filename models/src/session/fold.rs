//! Does constant work once.
//!
//! tract leaves constants above 4 MiB with more than one consumer unfolded, so a quantized fully
//! connected layer would cast, sum and pack its weights again for every face.

use std::collections::HashMap;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::konst::Const;

/// Replaces every node whose inputs are all constant by its result.
pub(super) fn constants(model: &mut TypedModel) -> TractResult<()> {
    for (id, value) in results(model)? {
        let fact = model.outlet_fact(OutletId::new(id, 0))?.exotic_fact.clone();
        let name = format!("{}.folded", model.node(id).name);
        let constant = Const::new_with_opt_exotic_fact(value.into_arc_tensor(), fact)?;
        let mut patch = TypedModelPatch::default();
        let outlet = patch.wire_node(name, constant, &[])?[0];
        patch.shunt_outside(model, OutletId::new(id, 0), outlet)?;
        patch.apply(model)?;
    }
    model.compact()
}

/// The constant results that something not constant reads, by node.
fn results(model: &TypedModel) -> TractResult<Vec<(usize, TValue)>> {
    let mut uses: Vec<usize> = model
        .nodes
        .iter()
        .map(|node| node.outputs.iter().map(|o| o.successors.len()).sum())
        .collect();
    let mut known: HashMap<usize, TValue> = HashMap::new();
    let mut results = Vec::new();
    for id in model.eval_order()? {
        let node = model.node(id);
        let given = node.inputs.iter().map(|input| known.get(&input.node).cloned());
        let given: Option<TVec<TValue>> = given.collect();
        if let Some(constant) = node.op_as::<Const>() {
            known.insert(id, constant.val().clone().into_tvalue());
        } else if let Some(given) = given.filter(|g| !g.is_empty() && node.outputs.len() == 1)
            && let Ok(Some(mut value)) = node.op.eval_out_of_plan(given)
            && let Some(value) = value.pop()
        {
            known.insert(id, value);
        } else {
            let folded =
                node.inputs.iter().filter(|input| !model.node(input.node).op_is::<Const>());
            let folded = folded.filter_map(|i| Some((i.node, known.get(&i.node)?.clone())));
            results.extend(folded);
        }
        forget_used(node, &mut uses, &mut known);
    }
    results.sort_by_key(|(id, _)| *id);
    results.dedup_by_key(|(id, _)| *id);
    Ok(results)
}

/// Drops what nothing will read any more: the casts of a large layer are four times its size.
fn forget_used(node: &TypedNode, uses: &mut [usize], known: &mut HashMap<usize, TValue>) {
    for input in &node.inputs {
        uses[input.node] -= 1;
        if uses[input.node] == 0 {
            known.remove(&input.node);
        }
    }
}
