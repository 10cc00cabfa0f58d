"""The landmarks of Keras 3, in the order in which a learner meets them.

Targets are relative to `keras.src`. What the rows say was read in, and seen to happen in,
Keras 3.2 to 3.15.
"""

from __future__ import annotations

from buildtrace.generations.base import Landmark, Scope

_VARIABLE = (
    "Makes the variable: settles shape, dtype and path, and has the initializer called; while a "
    "model is only traced, it waits with that until the trace is over."
)

_DEFERRED = "Gives a variable that was made while a model was traced its first values, at last."

LANDMARKS = (
    # 1. The input.
    Landmark(
        name="Input",
        target="layers.core.input_layer:Input",
        step="input",
        role="makes an input",
        reads="input",
        means_build=True,
        summary="Makes the symbolic tensor that stands for the data: a shape and a dtype, no "
        "values. Behind it is an InputLayer.",
    ),
    Landmark(
        name="InputLayer.__init__",
        target="layers.core.input_layer:InputLayer.__init__",
        step="input",
        role="makes an input layer",
        beat="input",
        reads="input",
        means_build=True,
        summary="The layer that holds the input: it has no weights and computes nothing; the "
        "graph begins at its one node.",
        article="The article has _build_graph_network_for_inferred_shape make it, named after "
        "the first layer. Keras 3 has no such function: Sequential.build makes the InputLayer "
        "itself, and it is called “input_layer”.",
    ),
    # 2. Connecting the layers.
    Landmark(
        name="Layer.__call__",
        target="layers.layer:Layer.__call__",
        step="connect",
        role="calls a layer",
        beat="call",
        reads="call",
        summary="Calling a layer: builds it if need be, then computes, or, on symbols, works out "
        "what would come out and records the connection as a Node.",
        article="The article goes from here to _functional_construction_call. Keras 3 has one "
        "way for symbols and for data: first _maybe_build, then Operation.__call__.",
    ),
    Landmark(
        name="Sequential.call",
        target="models.sequential:Sequential.call",
        step="connect",
        role="runs a stack",
        reads="call",
        summary="The forward pass of a Sequential: hands over to the functional model in it.",
    ),
    Landmark(
        name="Functional.call",
        target="models.functional:Functional.call",
        step="connect",
        role="runs a graph",
        reads="call",
        summary="The forward pass of a functional model: runs the layers again, node by node.",
    ),
    Landmark(
        name="Operation.__call__",
        target="ops.operation:Operation.__call__",
        step="connect",
        role="parts symbols from data",
        reads="call",
        summary="A layer is an operation with state. Here the two ways part: on data it runs "
        "`call`, on symbols `symbolic_call`.",
        unpaired="In Keras 2 a layer is no operation: Layer.__call__ itself tells symbols from "
        "data.",
    ),
    Landmark(
        name="Operation.symbolic_call",
        target="ops.operation:Operation.symbolic_call",
        step="connect",
        role="connects a layer",
        reads="call",
        means_build=True,
        summary="An operation on symbols, such as x + y: finds the shape of what comes out, and "
        "makes the Node.",
    ),
    Landmark(
        name="Layer.symbolic_call",
        target="layers.layer:Layer.symbolic_call",
        step="connect",
        role="connects a layer",
        reads="call",
        means_build=True,
        since="3.10",
        summary="A layer on symbols: finds the shape of what comes out. The Node is made later, "
        "at the end of Layer.__call__.",
    ),
    Landmark(
        name="Operation.compute_output_spec",
        target="ops.operation:Operation.compute_output_spec",
        step="connect",
        role="decides how to infer the output",
        reads="call",
        family=True,
        summary="Works out the shape and dtype of what comes out: from `compute_output_shape` if "
        "the layer has one, else by running `call` on placeholders.",
        article="The article has the layer compute an inner product here. `Dense.call` does not "
        "run at all while Keras 3 builds: its shape rule is enough.",
    ),
    Landmark(
        name="compute_output_spec",
        target="backend.{backend}.core:compute_output_spec",
        step="connect",
        role="infers the output on placeholders",
        reads="trial",
        nested=True,
        summary="Runs a function, such as the layer's `call`, on placeholders, to see what comes "
        "out and to have the layers in it built. What it raises may be caught without a word.",
        unpaired="Keras 2 has this done by _infer_output_signature for every layer; a layer "
        "that runs another layer's `call` has that one do it.",
    ),
    Landmark(
        name="Layer.compute_output_shape",
        target="layers.layer:Layer.compute_output_shape",
        step="connect",
        role="infers the output by a rule",
        reads="shapes",
        family=True,
        summary="The layer's own rule for the shape that comes out, from the one that goes in.",
        unpaired="Keras 2 runs `call` on placeholders instead; its layers have such rules, too, "
        "but to connect them only those of dynamic layers are asked.",
    ),
    Landmark(
        name="Node.__init__",
        target="ops.node:Node.__init__",
        step="connect",
        role="makes a node",
        reads="node",
        means_build=True,
        summary="One call of one layer or operation, as a node: linked to the nodes that its "
        "inputs came from. A shared layer has several.",
        article="The article leaves this out, but it is what makes the topology.",
    ),
    # 3. Building the layers.
    Landmark(
        name="Layer.__init__",
        target="layers.layer:Layer.__init__",
        step="build",
        role="makes a layer",
        beat="constructor",
        reads="state",
        only_failing=True,
        summary="Makes the layer: checks and keeps its settings; weights come later, when it is "
        "built. Only a constructor that fails is shown: of the layer's own class, without a time.",
    ),
    Landmark(
        name="Layer._maybe_build",
        target="layers.layer:Layer._maybe_build",
        step="build",
        role="builds if need be",
        reads="state",
        summary="Builds the layer from its inputs' shapes, unless it is built already. A layer "
        "without a `build` of its own is built by running its `call` on symbols.",
    ),
    Landmark(
        name="Layer.build",
        target="layers.layer:Layer.build",
        step="build",
        role="builds a layer",
        beat="build",
        reads="shapes",
        means_build=True,
        # Layer.__new__ keeps the bound `build` in a wrapper of its own, for each instance: a
        # hook on the class would miss the layers made before, and stay in those made after. What
        # such a `build` runs of the classes above, it finds in them.
        scope=Scope(
            maker="layers.layer:Layer.__new__",
            wrapper="build_wrapper",
            method="original_build_method",
            enter="_open_name_scope",
            done="_post_build",
        ),
        summary="Makes the layer's state, now that the input's shape is known. Keras runs each "
        "layer's own `build` inside a wrapper, which then sets `built` and locks the state.",
        article="The article says that build raises without an input shape. In Keras 3 it does "
        "not: it returns with built=True and no weights.",
    ),
    Landmark(
        name="Model.build_from_config",
        target="models.model:Model.build_from_config",
        step="build",
        role="builds a loaded model",
        reads="state",
        summary="Builds a model that is being loaded, from the shapes that were saved with it: by "
        "its `build`, or else by running its `call` on placeholders. What that raises it drops.",
        unpaired="Keras 2 has one such function for all layers, which just runs `build`; what that "
        "raises comes out.",
    ),
    Landmark(
        name="Layer.build_from_config",
        target="layers.layer:Layer.build_from_config",
        step="build",
        role="builds a loaded layer",
        reads="state",
        family=True,
        summary="Builds a layer that was made from its config, by the shapes that were saved with "
        "it.",
    ),
    # 4. Making the weights.
    Landmark(
        name="Layer.add_weight",
        target="layers.layer:Layer.add_weight",
        step="weight",
        role="makes a weight",
        reads="weight",
        means_build=True,
        summary="Makes one variable of the layer, with its name, shape, initializer, "
        "regularizer and constraint, and enters it in the layer's list.",
    ),
    Landmark(
        name="Variable.__init__",
        target="backend.common.variables:KerasVariable.__init__",
        step="weight",
        role="makes a variable",
        reads="variable",
        means_build=True,
        nested=True,
        until="3.7",
        summary=_VARIABLE,
    ),
    Landmark(
        name="Variable.__init__",
        target="backend.common.variables:Variable.__init__",
        step="weight",
        role="makes a variable",
        reads="variable",
        means_build=True,
        nested=True,
        since="3.7",
        summary=_VARIABLE,
    ),
    Landmark(
        name="Variable._deferred_initialize",
        target="backend.common.variables:KerasVariable._deferred_initialize",
        step="weight",
        role="gives first values later",
        reads="variable",
        family=True,
        means_build=True,
        nested=True,
        until="3.7",
        summary=_DEFERRED,
        unpaired="Keras 2 lifts the variable out of the graph that is being traced, and gives "
        "it its values at once.",
    ),
    Landmark(
        name="Variable._deferred_initialize",
        target="backend.common.variables:Variable._deferred_initialize",
        step="weight",
        role="gives first values later",
        reads="variable",
        family=True,
        means_build=True,
        nested=True,
        since="3.7",
        summary=_DEFERRED,
        unpaired="Keras 2 lifts the variable out of the graph that is being traced, and gives "
        "it its values at once.",
    ),
    Landmark(
        name="Initializer.__call__",
        target="initializers.initializer:Initializer.__call__",
        step="weight",
        role="gives first values",
        reads="initializer",
        family=True,
        nested=True,
        summary="Gives the variable its first values.",
    ),
    # 5. Mapping the graph.
    Landmark(
        name="Functional.__init__",
        target="models.functional:Functional.__init__",
        step="graph",
        role="makes a model of a graph",
        beat="graph",
        reads="graph",
        means_build=True,
        summary="Makes a model of a graph, from its inputs and its outputs. A Sequential keeps "
        "one inside, as `_functional`.",
        article="The article calls it _init_graph_network: that is here and in Function.__init__.",
        unpaired="Keras 3 keeps a functional model in each Sequential; a Sequential of Keras 2 "
        "is one itself, and takes up its graph directly.",
    ),
    Landmark(
        name="Function.__init__",
        target="ops.function:Function.__init__",
        step="graph",
        role="takes up a graph",
        beat="graph",
        reads="graph",
        means_build=True,
        summary="The graph without the model: keeps inputs and outputs, and has what lies "
        "between them mapped.",
    ),
    Landmark(
        name="map_graph",
        target="ops.function:map_graph",
        step="graph",
        role="maps the graph",
        reads="graph",
        means_build=True,
        summary="Sorts the nodes by depth, and checks that every tensor can be computed from "
        "the inputs and that no two operations have one name.",
        article="The article calls it _map_graph_network.",
    ),
    Landmark(
        name="_build_map",
        target="ops.function:_build_map",
        step="graph",
        role="walks the graph",
        reads="name",
        means_build=True,
        summary="Walks the graph from each output back to the inputs, and puts the nodes in "
        "topological order.",
    ),
    Landmark(
        name="_build_map_helper",
        target="ops.function:_build_map_helper",
        step="graph",
        role="takes a step of the walk",
        reads="name",
        means_build=True,
        summary="One step of that walk: the node that made a tensor, after the nodes that made "
        "that node's inputs. It calls itself once for each layer of a chain.",
    ),
    # 6. What training needs besides.
    Landmark(
        name="Trainer.compile",
        target="trainers.trainer:Trainer.compile",
        step="compile",
        role="is told how to train",
        beat="compile",
        reads="training",
        means_build=True,
        summary="Notes how the model is to be trained. Loss and metrics are only wrapped, the "
        "optimizer only kept: they are built when the first batch shows what they get.",
    ),
    Landmark(
        name="Trainer._symbolic_build",
        target="trainers.trainer:Trainer._symbolic_build",
        step="compile",
        role="builds on symbols what training needs",
        reads="training",
        summary="Builds on symbols of the first batch's shapes what is not built yet: the model, "
        "the metrics, the loss and, last, the optimizer. On TensorFlow the first training step "
        "does that itself, unless it is distributed.",
        unpaired="Keras 2 builds all of this in the first training step itself.",
    ),
    Landmark(
        name="Trainer.compute_loss",
        target="trainers.trainer:Trainer.compute_loss",
        step="compile",
        role="computes what is minimized",
        reads="training",
        summary="Adds up what the training is to minimize: the compiled losses, and those that "
        "layers have added. Only a call that builds something is shown: mostly the first.",
    ),
    Landmark(
        name="CompileLoss.__call__",
        target="trainers.compile_utils:CompileLoss.__call__",
        step="compile",
        role="computes the compiled losses",
        beat="loss",
        reads="container",
        summary="Brings each of the model's outputs together with its target and its loss, and "
        "adds up what comes out.",
    ),
    Landmark(
        name="CompileLoss.build",
        target="trainers.compile_utils:CompileLoss.build",
        step="compile",
        role="builds the losses",
        reads="container",
        means_build=True,
        summary="Finds a loss for each output, now that targets and outputs are known. With "
        "several, each gets a metric of its own.",
    ),
    Landmark(
        name="Loss.__call__",
        target="losses.loss:Loss.__call__",
        step="compile",
        role="computes a loss",
        reads="loss",
        nested=True,
        summary="One loss: compares what the model gave with the target, sample by sample, weighs "
        "the samples, and takes the mean.",
    ),
    Landmark(
        name="CompileMetrics.build",
        target="trainers.compile_utils:CompileMetrics.build",
        step="compile",
        role="builds the metrics",
        beat="metrics",
        reads="container",
        means_build=True,
        summary="Makes the metrics of each output. “accuracy” becomes one of three kinds here, as "
        "the shapes of target and output demand.",
    ),
    Landmark(
        name="Metric.add_weight",
        target="metrics.metric:Metric.add_weight",
        step="compile",
        role="makes a variable of a metric",
        reads="held",
        means_build=True,
        summary="The older name of add_variable.",
    ),
    Landmark(
        name="Metric.add_variable",
        target="metrics.metric:Metric.add_variable",
        step="compile",
        role="makes a metric's variable itself",
        reads="held",
        means_build=True,
        summary="Makes a variable in which a metric sums up what it has seen, such as “total” and "
        "“count”. It is no weight: the model does not compute with it.",
        unpaired="In Keras 2 a metric is a layer, and its base class makes the variable.",
    ),
    Landmark(
        name="BaseOptimizer.build",
        target="optimizers.base_optimizer:BaseOptimizer.build",
        step="compile",
        role="builds an optimizer",
        beat="optimizer",
        reads="optimizer",
        family=True,
        means_build=True,
        summary="Makes what the optimizer remembers of each trainable weight, such as a momentum, "
        "and settles for good which weights it trains.",
    ),
    Landmark(
        name="BaseOptimizer.add_variable_from_reference",
        target="optimizers.base_optimizer:BaseOptimizer.add_variable_from_reference",
        step="compile",
        role="makes a variable for a weight",
        reads="held",
        means_build=True,
        summary="Makes a variable of the optimizer that has the shape and the dtype of a weight: "
        "with the weight's own, this is what training takes of memory for each.",
    ),
    Landmark(
        name="BaseOptimizer.add_variable",
        target="optimizers.base_optimizer:BaseOptimizer.add_variable",
        step="compile",
        role="makes a variable of an optimizer",
        reads="held",
        means_build=True,
        summary="Makes one variable of the optimizer, through Variable.__init__ as for a weight.",
    ),
    # 7. What a saved file gives.
    Landmark(
        name="load_model",
        target="saving.saving_api:load_model",
        step="load",
        role="loads a model",
        beat="load",
        reads="file",
        means_build=True,
        summary="Loads a model: makes it anew from the config in the file, builds it by the shapes "
        "in it, and then gives its weights the values that were saved.",
    ),
    Landmark(
        name="load_model_from_hdf5",
        target="legacy.saving.legacy_h5_format:load_model_from_hdf5",
        step="load",
        role="loads a model from HDF5",
        reads="file",
        nested=True,
        summary="The same from a file of the older kind, `.h5`: the config is an attribute of it, "
        "and the values are in its group “model_weights”.",
    ),
    Landmark(
        name="deserialize_keras_object",
        target="saving.serialization_lib:deserialize_keras_object",
        step="load",
        role="makes a layer from its config",
        reads="config",
        nested=True,
        summary="Makes an object from its config: finds the class, has its `from_config` "
        "run, builds it by the shapes that the file has, and compiles it. "
        "It runs for every part of a config; shown is where it makes a layer or a model.",
    ),
    Landmark(
        name="serialization.deserialize_keras_object",
        target="legacy.saving.serialization:deserialize_keras_object",
        step="load",
        role="makes a layer from an older config",
        reads="config",
        nested=True,
        summary="The same for configs of files of the older kind.",
    ),
    Landmark(
        name="Layer.from_config",
        target="ops.operation:Operation.from_config",
        step="load",
        role="makes a layer with the arguments in its config",
        reads="config",
        family=True,
        nested=True,
        summary="Makes a layer with the arguments that its `get_config` had written down: unless "
        "its class defines this otherwise, by `cls(**config)`.",
    ),
    Landmark(
        name="Model.load_weights",
        target="models.model:Model.load_weights",
        step="load",
        role="loads weights",
        beat="load",
        reads="file",
        means_build=True,
        summary="Gives the weights of a model that is there already the values in a file. "
        "The model has to be built.",
    ),
    Landmark(
        name="Layer.load_own_variables",
        target="layers.layer:Layer.load_own_variables",
        step="load",
        role="gives saved values to a layer",
        beat="values",
        reads="values",
        family=True,
        nested=True,
        summary="Gives the layer's own weights the values in its part of the file, by their order. "
        "Layers without weights, for which the file has nothing, are not shown.",
    ),
    Landmark(
        name="load_weights_from_hdf5_group",
        target="legacy.saving.legacy_h5_format:load_weights_from_hdf5_group",
        step="load",
        role="gives saved values by order",
        beat="values",
        reads="values",
        nested=True,
        summary="Gives the values in a file of the older kind to the layers that have weights, one "
        "after the other in the model's order: their names do not matter.",
    ),
    Landmark(
        name="load_weights_from_hdf5_group_by_name",
        target="legacy.saving.legacy_h5_format:load_weights_from_hdf5_group_by_name",
        step="load",
        role="gives saved values by name",
        beat="values",
        reads="values",
        nested=True,
        summary="The same for the layers whose names are in the file; others keep what they have.",
    ),
)
