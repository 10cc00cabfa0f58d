"""The landmarks of Keras 2, in the order in which a learner meets them.

Targets are relative to `keras.src` (TensorFlow 2.13 to 2.15) or `tf_keras.src`. What the
rows say was read in, and seen to happen in, tf_keras 2.21 and Keras 2.13 and 2.15.
"""

from __future__ import annotations

from buildtrace.generations.base import Landmark

LANDMARKS = (
    # 1. The input.
    Landmark(
        name="Input",
        target="engine.input_layer:Input",
        step="input",
        role="makes an input",
        reads="input",
        means_build=True,
        summary="Makes the symbolic tensor that stands for the data: a shape and a dtype, no "
        "values. Behind it is an InputLayer.",
        unpaired="Sequential.build of Keras 3 makes its InputLayer without this function.",
    ),
    Landmark(
        name="InputLayer.__init__",
        target="engine.input_layer:InputLayer.__init__",
        step="input",
        role="makes an input layer",
        beat="input",
        reads="input",
        means_build=True,
        summary="The layer that holds the input: it has no weights and computes nothing; the "
        "graph begins at its one node.",
        article="The article says that the input layer is named after the first layer; so it "
        "is, with “_input” behind the name, where Sequential makes it.",
    ),
    # 2. Connecting the layers.
    Landmark(
        name="Sequential._build_graph_network_for_inferred_shape",
        target="engine.sequential:Sequential._build_graph_network_for_inferred_shape",
        step="connect",
        role="turns a stack into a graph",
        reads="shapes",
        summary="Turns a stack of layers into a graph once a shape is known: makes an input of "
        "that shape and calls each layer on the output of the one before.",
        article="The article has `build` run it. Each call of a Sequential without an Input runs "
        "it, too, and it returns at once unless the shape is new to it.",
        unpaired="Keras 3 has no function for this: Sequential.build makes the input layer, "
        "calls the layers and makes the functional model itself.",
    ),
    Landmark(
        name="Layer.__call__",
        target="engine.base_layer:Layer.__call__",
        step="connect",
        role="calls a layer",
        beat="call",
        reads="call",
        summary="Calling a layer: on symbols it takes the way of the functional construction, "
        "on data it builds the layer if need be and computes.",
    ),
    Landmark(
        name="Sequential.call",
        target="engine.sequential:Sequential.call",
        step="connect",
        role="runs a stack",
        reads="call",
        summary="The forward pass of a Sequential. A model that was not built before builds its "
        "graph here, from the shape of the first data.",
    ),
    Landmark(
        name="Functional.call",
        target="engine.functional:Functional.call",
        step="connect",
        role="runs a graph",
        reads="call",
        summary="The forward pass of a graph network: runs the layers again, node by node.",
    ),
    Landmark(
        name="Layer._functional_construction_call",
        target="engine.base_layer:Layer._functional_construction_call",
        step="connect",
        role="connects a layer",
        reads="call",
        means_build=True,
        summary="The layer was called on a symbol, so nothing is computed: it works out what "
        "would come out and records the connection.",
    ),
    Landmark(
        name="Layer._keras_tensor_symbolic_call",
        target="engine.base_layer:Layer._keras_tensor_symbolic_call",
        step="connect",
        role="decides how to infer the output",
        reads="call",
        means_build=True,
        summary="Decides how to find the output's shape and dtype: by running `call` on "
        "placeholders, or from `compute_output_shape` for a dynamic layer.",
    ),
    Landmark(
        name="Layer._infer_output_signature",
        target="engine.base_layer:Layer._infer_output_signature",
        step="connect",
        role="infers the output on placeholders",
        reads="call",
        means_build=True,
        summary="Opens a scratch graph, builds the layer there if need be, runs its `call` on "
        "placeholders, keeps the signature of what comes out, and throws the graph away.",
        article="The article has the inner product with the kernel give the next layer's input; "
        "it is symbolic only: the scratch graph is dropped and just a shape and a dtype survive.",
        unpaired="Keras 3 runs `call` on placeholders only if the layer has no rule for the "
        "shape that comes out; layers such as Dense have one.",
    ),
    Landmark(
        name="Layer._set_connectivity_metadata",
        target="engine.base_layer:Layer._set_connectivity_metadata",
        step="connect",
        role="notes a connection",
        reads="state",
        means_build=True,
        summary="Writes down that this layer turned these inputs into these outputs, by making "
        "a Node.",
        article="The article leaves this out, but it is what makes the topology.",
        unpaired="Keras 3 has no function for this: Layer.__call__ makes the Node itself, or "
        "before 3.10 Operation.symbolic_call.",
    ),
    Landmark(
        name="Node.__init__",
        target="engine.node:Node.__init__",
        step="connect",
        role="makes a node",
        reads="node",
        means_build=True,
        summary="One call of one layer, as a node: linked to the nodes that its inputs came "
        "from. A shared layer has several.",
        article="The article leaves this out, but it is what makes the topology.",
    ),
    # 3. Building the layers.
    Landmark(
        name="Layer.__init__",
        target="engine.base_layer:Layer.__init__",
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
        target="engine.base_layer:Layer._maybe_build",
        step="build",
        role="builds if need be",
        reads="state",
        summary="Builds the layer from its input's shape, unless it is built already.",
        article="The article goes from _infer_output_signature straight to build; this is the "
        "step between, and the reason why a layer is built only once.",
    ),
    Landmark(
        name="Layer.build",
        target="engine.base_layer:Layer.build",
        step="build",
        role="builds a layer",
        beat="build",
        reads="shapes",
        family=True,
        means_build=True,
        summary="Makes the layer's state, now that the input's shape is known. Each kind of "
        "layer has its own; a model's builds the layers in it.",
        article="The article says that Sequential.build raises without an input shape. It does so "
        "only while the graph is not initialized: on a built model it passes, and a different "
        "shape is ignored.",
    ),
    Landmark(
        name="Layer.build_from_config",
        target="engine.base_layer:Layer.build_from_config",
        step="build",
        role="builds a loaded layer",
        reads="state",
        family=True,
        summary="Builds a layer or a model that was made from its config, by the shapes that were "
        "saved with it.",
    ),
    # 4. Making the weights.
    Landmark(
        name="Layer.add_weight",
        target="engine.base_layer:Layer.add_weight",
        step="weight",
        role="makes a weight",
        reads="weight",
        means_build=True,
        summary="Makes one variable of the layer, with its name, shape, initializer, "
        "regularizer and constraint, and enters it in the layer's list.",
    ),
    Landmark(
        name="make_variable",
        target="engine.base_layer_utils:make_variable",
        step="weight",
        role="makes a variable",
        reads="variable",
        means_build=True,
        nested=True,
        summary="Makes the tf.Variable itself, in eager mode even inside a graph.",
    ),
    Landmark(
        name="Initializer.__call__",
        target="initializers.initializers:Initializer.__call__",
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
        target="engine.functional:Functional.__init__",
        step="graph",
        role="makes a model of a graph",
        beat="graph",
        reads="graph",
        means_build=True,
        summary="Makes a model of a graph, from its inputs and its outputs. keras.Model(...) "
        "comes through here twice: the first run returns at once.",
    ),
    Landmark(
        name="Functional._init_graph_network",
        target="engine.functional:Functional._init_graph_network",
        step="graph",
        role="takes up a graph",
        beat="graph",
        reads="graph",
        means_build=True,
        summary="Sets the model's inputs and outputs, marks it as built, has its graph mapped, "
        "and names what goes in and comes out.",
        article="The article speaks of initializing the network “again”, once `built` and "
        "`_graph_initialized` are True. It is the first time, and again only at a later build, "
        "add or pop; `inputs`, `outputs` and then `built` are set in here before the mapping, "
        "`_graph_initialized` after it.",
    ),
    Landmark(
        name="_map_graph_network",
        target="engine.functional:_map_graph_network",
        step="graph",
        role="maps the graph",
        reads="graph",
        means_build=True,
        summary="Sorts the nodes by depth, and checks that every tensor can be computed from "
        "the inputs and that no two layers have one name.",
    ),
    Landmark(
        name="_build_map",
        target="engine.functional:_build_map",
        step="graph",
        role="walks the graph",
        reads="name",
        means_build=True,
        summary="Walks the graph from each output back to the inputs, and puts the nodes in "
        "topological order.",
    ),
    Landmark(
        name="_build_map_helper",
        target="engine.functional:_build_map_helper",
        step="graph",
        role="takes a step of the walk",
        reads="name",
        means_build=True,
        summary="One step of that walk: the node that made a tensor, after the nodes that made "
        "that node's inputs. It calls itself once for each layer of a chain.",
    ),
    # 6. What training needs besides.
    Landmark(
        name="Model.compile",
        target="engine.training:Model.compile",
        step="compile",
        role="is told how to train",
        beat="compile",
        reads="training",
        means_build=True,
        summary="Notes how the model is to be trained. Loss and metrics are only put in "
        "containers, the optimizer only kept: they are built when the first batch shows what they "
        "get.",
    ),
    Landmark(
        name="Model.compute_loss",
        target="engine.training:Model.compute_loss",
        step="compile",
        role="computes what is minimized",
        reads="training",
        summary="Adds up what the training is to minimize: the compiled losses, and those that "
        "layers have added. Only a call that builds something is shown: mostly the first.",
    ),
    Landmark(
        name="LossesContainer.__call__",
        target="engine.compile_utils:LossesContainer.__call__",
        step="compile",
        role="computes the compiled losses",
        beat="loss",
        reads="container",
        summary="Brings each of the model's outputs together with its target and its loss, and "
        "adds up what comes out.",
    ),
    Landmark(
        name="LossesContainer.build",
        target="engine.compile_utils:LossesContainer.build",
        step="compile",
        role="builds the losses",
        reads="container",
        means_build=True,
        summary="Finds a loss for each output, now that the outputs are known. With several, each "
        "gets a metric of its own.",
    ),
    Landmark(
        name="Loss.__call__",
        target="losses:Loss.__call__",
        step="compile",
        role="computes a loss",
        reads="loss",
        nested=True,
        summary="One loss: compares what the model gave with the target, sample by sample, weighs "
        "the samples, and takes the mean.",
    ),
    Landmark(
        name="MetricsContainer.build",
        target="engine.compile_utils:MetricsContainer.build",
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
        target="metrics.base_metric:Metric.add_weight",
        step="compile",
        role="makes a variable of a metric",
        reads="held",
        means_build=True,
        summary="Makes a variable in which a metric sums up what it has seen, such as “total” and "
        "“count”. It is no weight: the model does not compute with it.",
    ),
    Landmark(
        name="_BaseOptimizer.build",
        target="optimizers.optimizer:_BaseOptimizer.build",
        step="compile",
        role="builds an optimizer",
        beat="optimizer",
        reads="optimizer",
        family=True,
        summary="Makes what the optimizer remembers of each trainable weight, such as a momentum. "
        "Each training step runs it; all but the first return at once, and are not shown.",
    ),
    Landmark(
        name="_BaseOptimizer.add_variable_from_reference",
        target="optimizers.optimizer:_BaseOptimizer.add_variable_from_reference",
        step="compile",
        role="makes a variable for a weight",
        reads="held",
        means_build=True,
        summary="Makes a variable of the optimizer that has the shape and the dtype of a weight: "
        "with the weight's own, this is what training takes of memory for each.",
    ),
    Landmark(
        name="_BaseOptimizer.add_variable",
        target="optimizers.optimizer:_BaseOptimizer.add_variable",
        step="compile",
        role="makes a variable of an optimizer",
        reads="held",
        means_build=True,
        summary="Makes one variable of the optimizer that is for no weight.",
    ),
    Landmark(
        name="OptimizerV2._create_all_weights",
        target="optimizers.legacy.optimizer_v2:OptimizerV2._create_all_weights",
        step="compile",
        role="builds a legacy optimizer",
        beat="optimizer",
        reads="optimizer",
        summary="Makes all that an optimizer of the older kind holds: the number of steps, its "
        "settings and its slots. Each training step runs it; all but the first find it all there.",
        unpaired="Keras 3 has no such optimizers.",
    ),
    Landmark(
        name="OptimizerV2._create_slots",
        target="optimizers.legacy.optimizer_v2:OptimizerV2._create_slots",
        step="compile",
        role="makes the slots",
        reads="optimizer",
        family=True,
        summary="Makes the slots: what the optimizer remembers of each trainable weight.",
        unpaired="Keras 3 has no such optimizers.",
    ),
    Landmark(
        name="OptimizerV2.add_slot",
        target="optimizers.legacy.optimizer_v2:OptimizerV2.add_slot",
        step="compile",
        role="makes a slot",
        reads="held",
        summary="Makes the variable that is a slot of one weight, or finds it.",
        unpaired="Keras 3 has no such optimizers.",
    ),
    Landmark(
        name="OptimizerV2.add_weight",
        target="optimizers.legacy.optimizer_v2:OptimizerV2.add_weight",
        step="compile",
        role="makes a legacy optimizer's variable",
        reads="held",
        means_build=True,
        summary="Makes a variable of an optimizer of the older kind that is for no weight, such as "
        "its learning rate.",
        unpaired="Keras 3 has no such optimizers.",
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
        target="saving.legacy.hdf5_format:load_model_from_hdf5",
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
        target="saving.legacy.serialization:deserialize_keras_object",
        step="load",
        role="makes a layer from an older config",
        reads="config",
        nested=True,
        summary="The same for configs of files of the older kind.",
    ),
    Landmark(
        name="Layer.from_config",
        target="engine.base_layer:Layer.from_config",
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
        target="engine.training:Model.load_weights",
        step="load",
        role="loads weights",
        beat="load",
        reads="file",
        means_build=True,
        summary="Gives the weights of a model that is there already the values in a file. "
        "It is not checked whether the model is built.",
    ),
    Landmark(
        name="Layer.load_own_variables",
        target="engine.base_layer:Layer.load_own_variables",
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
        target="saving.legacy.hdf5_format:load_weights_from_hdf5_group",
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
        target="saving.legacy.hdf5_format:load_weights_from_hdf5_group_by_name",
        step="load",
        role="gives saved values by name",
        beat="values",
        reads="values",
        nested=True,
        summary="The same for the layers whose names are in the file; others keep what they have.",
    ),
)
