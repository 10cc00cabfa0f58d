"""Puts hooks into Keras and takes them out again: the only place that sets an attribute of Keras.

There is one set of hooks in the process, however many tracers are on: the first that starts
puts it in, the last that stops takes it out. So tracers may stop in any order.

An interrupt (Ctrl-C) may come between any two steps. So each step of putting in and of taking
out can be done again: whoever was interrupted repeats the whole, and nothing is lost or left.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
import sys
import threading
import warnings
from dataclasses import dataclass, field
from types import CellType
from typing import TYPE_CHECKING, Any

from buildtrace import generations
from buildtrace.capture import distributions, hooks, kept_state, uses
from buildtrace.capture.callers import add_hook
from buildtrace.capture.dry_fit import DryFits
from buildtrace.capture.imports import ImportWatch
from buildtrace.capture.readers import READERS
from buildtrace.capture.record import Function, HookedLandmark
from buildtrace.capture.targets import (
    FunctionTable,
    NotThereError,
    aliases,
    bound_as,
    classes_below,
    code_of,
    function_at,
    is_method,
    own_names,
    parameters,
    plain_function,
    resolve,
    table_at,
)
from buildtrace.errors import MissingLandmarkWarning
from buildtrace.traces.schema import KerasInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter, Generation, Landmark

_BY_NAME = ("weight", "held", "training", "container")
"""What is read of landmarks whose arguments are looked up by name."""

_ABSENT: Any = object()


@dataclass
class _SetAttribute:
    """An attribute that was set: what it was, and what it is now."""

    owner: Any
    name: str
    before: Any
    now: Any

    def undo(self) -> None:
        """Set it back, unless somebody else has set it since."""
        if own_names(self.owner).get(self.name, _ABSENT) is not self.now:
            return
        if self.before is _ABSENT:
            delattr(self.owner, self.name)
        else:
            _set(self.owner, self.name, self.before)


@dataclass
class _Family:
    """The definitions of one method in a class and all classes below it.

    Attributes:
        base: the class.
        name: the method's name.
        make_hook: makes the hook of a definition, or `None` if it needs none.
        on_top: the hooks stand in the place of those that are there already, and call them.
        hooks: those that were made, by what they call.
    """

    base: type
    name: str
    make_hook: Callable[[Any], Any]
    on_top: bool = False
    hooks: dict[Any, Any] = field(default_factory=dict)

    def hook_of(self, function: Any) -> Any:
        """The hook for a definition: one, even if a class has taken it from another."""
        if function not in self.hooks:
            self.hooks[function] = self.make_hook(function)
        return self.hooks[function]


@dataclass
class Patches:
    """The hooks that are in Keras now.

    Attributes:
        keras: the Keras packages that have hooks, with the landmarks that they miss.
        lock: held while anything here is changed.
    """

    recorder: Recorder
    keras: dict[str, KerasInfo] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)
    _changes: list[_SetAttribute] = field(default_factory=list)
    _families: list[_Family] = field(default_factory=list)
    _originals: dict[Any, Any] = field(default_factory=dict)
    _watched: dict[type, list[_Family]] = field(default_factory=dict)
    _watch: ImportWatch | None = None
    _users: set[object] = field(default_factory=set)
    dry: DryFits = field(init=False)
    _dry_packages: set[str] = field(default_factory=set)
    _complete: bool = False

    def __post_init__(self) -> None:
        self.dry = DryFits(self.recorder)

    # -- on and off ---------------------------------------------------------------------------

    def acquire(self, user: object) -> None:
        """Have the hooks in until `release`, which is to be called even if this is interrupted."""
        with self.lock:
            self._users.add(user)
            if self._complete:
                return
            self._take_out()  # what somebody who was interrupted may have left
            self._add_hook_code(hooks.HOOK_CODE)
            self._watch = ImportWatch(generations.PACKAGES, self._add_imported)
            self._watch.start()
            for package in generations.imported():
                self._add_package(package)
            self._complete = True

    def release(self, user: object) -> None:
        """Give up the hooks for one user; with the last one, all go. Can be done twice."""
        with self.lock:
            self._users.discard(user)
            if not self._users:
                self._take_out()

    @contextlib.contextmanager
    def dry_fits(self, *, goes_on: bool = False) -> Iterator[DryFits]:
        """Within this block, no training goes further than to its first change of a weight.

        Args:
            goes_on: the program goes on behind `fit`; otherwise `TrainingReached` ends it.
        """
        user = object()
        try:
            self.acquire(user)
            with self.lock:
                if not self.dry.users:
                    self.dry.count = 0
                self.dry.users[user] = goes_on
                for package in self.keras:
                    self._add_dry_fits(*generations.adapter_for(package))
            yield self.dry
        finally:
            self.dry.users.pop(user, None)
            self.release(user)

    # -- putting hooks in ---------------------------------------------------------------------

    def _add_imported(self, package: str) -> None:
        """Put hooks into a package that the program has imported just now."""
        # Where warnings are errors, this one must not break the program's import.
        with contextlib.suppress(MissingLandmarkWarning):
            self._add_package(package)

    def _add_package(self, package: str) -> None:
        with self.lock:
            if package in self.keras or not self._users:
                return
            try:
                generation, adapter = generations.adapter_for(package)
            except (ImportError, AttributeError) as error:
                _warn(package, f"is not made as buildtrace knows it ({error}): nothing is traced.")
                return
            landmarks = generation.landmarks_of(adapter.version)
            used = {target: name for name, target in generation.uses}
            missing = [
                landmark.name
                for landmark in landmarks
                if not self._add_landmark(landmark, adapter, used.get(landmark.target, ""))
            ]
            for landmark in landmarks:
                used.pop(landmark.target, None)
            missing += [
                name for target, name in used.items() if not self._add_use(name, target, adapter)
            ]
            self._add_distributions(generation, adapter)
            self._replace_aliases(table_at(adapter.root, generation.table))
            self._add_making(generation, adapter)
            self._add_conversion(generation, adapter)
            self._add_learning(generation, adapter)
            self._add_fits(generation, adapter)
            self._add_stateless(generation, adapter)
            if self.dry.users:  # training is not to be slowed down for nothing
                self._add_dry_fits(generation, adapter)
            self.keras[package] = KerasInfo(
                generation=generation.name,
                package=package,
                version=adapter.version,
                missing=tuple(missing),
            )
        if missing:
            names = ", ".join(missing)
            _warn(package, f"has no {names} that can be traced: calls of that are missing.")

    def _add_landmark(self, landmark: Landmark, adapter: Adapter, use: str) -> bool:
        """Put in the hook of a landmark; false if this Keras does not have the landmark.

        Args:
            landmark: the row.
            adapter: of the Keras.
            use: what the function is called as a use of models, if it is one as well.
        """
        try:
            owner, name = resolve(adapter.root, landmark.target_on(adapter.backend))
            if landmark.only_failing:
                function = Function.of(own_names(owner)[name])
                self.recorder.constructors[adapter.package] = HookedLandmark(
                    landmark, adapter, function, READERS[landmark.reads]
                )
                return True
            if landmark.scope is not None:
                self._add_scope(landmark, owner, name, adapter)
                return True
        except NotThereError:
            return False
        if not is_method(own_names(owner)[name]):
            return False  # a hook would not be bound, called or pickled as what is there now

        def make_hook(function: Any) -> Any:
            names = parameters(function) if landmark.reads in _BY_NAME else ()
            reader = READERS[landmark.reads]
            hooked = HookedLandmark(landmark, adapter, Function.of(function, name), reader, names)
            begin = uses.begin_of(use, adapter, self.recorder) if use else None
            return hooks.function_hook(function, hooked, self.recorder, begin)

        if landmark.family:
            self._add_family(_Family(owner, name, make_hook))
        else:
            self._replace(owner, name, make_hook)
        return True

    def _add_use(self, name: str, target: str, adapter: Adapter) -> bool:
        """Put a hook into a function that uses models; false if this Keras does not have it."""
        try:
            owner, attribute = resolve(adapter.root, target)
        except NotThereError:
            return False
        if not inspect.isfunction(own_names(owner)[attribute]):
            return False
        self._replace(owner, attribute, lambda f: uses.use_hook(f, name, adapter, self.recorder))
        return True

    def _add_scope(self, landmark: Landmark, owner: Any, name: str, adapter: Adapter) -> None:
        scope = landmark.scope
        assert scope is not None
        maker = code_of(function_at(adapter.root, scope.maker))
        hooked = HookedLandmark(
            landmark, adapter, Function.of(own_names(owner)[name]), READERS[landmark.reads]
        )
        made = hooks.ScopeHooks(scope, hooked, maker, self.recorder)
        for method, make_hook in ((scope.enter, made.enter_hook), (scope.done, made.done_hook)):
            bases = [base for base in owner.__mro__ if method in own_names(base)]
            if not bases:
                raise NotThereError(method)
            for base in bases:
                self._add_family(_Family(base, method, make_hook))
        self._add_family(_Family(owner, name, made.method_hook))
        self._add_hook_code(made.wrapper)

    def _add_hook_code(self, code: CodeType) -> None:
        add_hook(code)
        self.recorder.hook_codes = {**self.recorder.hook_codes, id(code): code}

    def _add_distributions(self, generation: Generation, adapter: Adapter) -> None:
        """Learn how variables are spread over devices."""
        if generation.distributions is None:
            return
        for function, make_hook, is_family in distributions.hooks(self.recorder):
            with contextlib.suppress(NotThereError):
                owner, name = resolve(adapter.root, f"{generation.distributions}:{function}")
                if is_family:
                    self._add_family(_Family(owner, name, make_hook))
                elif inspect.isfunction(own_names(owner)[name]):
                    self._replace(owner, name, make_hook)

    def _add_making(self, generation: Generation, adapter: Adapter) -> None:
        """Learn from the constructor that every model runs which models there are."""
        recorder = self.recorder

        def note(args: Any, _result: Any) -> None:
            if recorder.listeners and args:
                recorder.models.note_whole(args[0], adapter)

        with contextlib.suppress(NotThereError):
            owner, name = resolve(adapter.root, generation.making)
            if inspect.isfunction(own_names(owner)[name]):
                self._replace(owner, name, functools.partial(hooks.noting_hook, after=note))

    def _add_conversion(self, generation: Generation, adapter: Adapter) -> None:
        """Learn which tensors a layer's `call` gets."""
        if generation.conversion is None:
            return

        def note(args: Any, result: Any) -> None:
            self.recorder.convert_inputs(args[0], result)

        with contextlib.suppress(NotThereError):
            owner, name = resolve(adapter.root, generation.conversion)
            if inspect.isfunction(own_names(owner)[name]):
                self._replace(owner, name, functools.partial(hooks.noting_hook, after=note))

    def _add_learning(self, generation: Generation, adapter: Adapter) -> None:
        with contextlib.suppress(NotThereError):
            owner, name = resolve(adapter.root, generation.learning)
            if inspect.isfunction(own_names(owner)[name]):
                self._replace(owner, name, lambda f: self.recorder.models.preprocessing.hook(f))

    def _add_stateless(self, generation: Generation, adapter: Adapter) -> None:
        if adapter.backend != "jax":
            return
        made = {"add_update": kept_state.assign_hook, "get_current_value": kept_state.value_hook}
        for method, make in made.items():
            with contextlib.suppress(NotThereError):
                owner, name = resolve(adapter.root, f"{generation.stateless}.{method}")
                make_hook = functools.partial(make, adapter=adapter, recorder=self.recorder)
                self._replace(owner, name, make_hook)

    def _add_fits(self, generation: Generation, adapter: Adapter) -> None:
        recorder, training = self.recorder, generation.training
        for targets, makes in (
            (training.own_fits, recorder.fits),
            (training.others, recorder.inputs),
        ):
            make_hook = functools.partial(makes.hook, adapter=adapter, recorder=recorder)
            for target in targets:
                with contextlib.suppress(NotThereError):
                    owner, name = resolve(adapter.root, target.format(backend=adapter.backend))
                    if inspect.isfunction(own_names(owner)[name]):
                        self._replace(owner, name, make_hook)
        note_update = functools.partial(recorder.gradients.hook, adapter=adapter, recorder=recorder)
        for target in training.updates:
            with contextlib.suppress(NotThereError):
                owner, name = resolve(adapter.root, target)
                self._add_family(_Family(owner, name, note_update, on_top=True))

    def _add_dry_fits(self, generation: Generation, adapter: Adapter) -> None:
        if adapter.package in self._dry_packages:
            return
        self._dry_packages.add(adapter.package)
        for kind, make_hook in self.dry.hook_makers().items():
            for target in getattr(generation.training, kind):
                with contextlib.suppress(NotThereError):  # which of them there are has changed
                    owner, name = resolve(adapter.root, target.format(backend=adapter.backend))
                    made = functools.partial(make_hook, adapter=adapter)
                    self._add_family(_Family(owner, name, made, on_top=True))

    def _add_family(self, family: _Family) -> None:
        self._families.append(family)
        for cls in list(classes_below(family.base)):
            self._add_member(family, cls)
        if family.base not in self._watched:
            self._watched[family.base] = []
            self._watch_subclasses(family.base)
        self._watched[family.base].append(family)

    def _add_member(self, family: _Family, cls: type) -> None:
        held = cls.__dict__.get(family.name)
        if not is_method(held):
            return
        if family.on_top:
            self._put_on_top(family, cls, held)
        elif held not in self._originals:
            self._replace(cls, family.name, family.hook_of)

    def _put_on_top(self, family: _Family, cls: type, held: Any) -> None:
        """Put a hook in the place of a function, or of the hook that a landmark has there."""
        if held in family.hooks.values():
            return
        if held not in self._originals:
            held = hooks.stood_for(held)
        hook = family.hook_of(held)
        if hook is not None:
            self._originals[hook] = hooks.stood_for(held)
            self._change(cls, family.name, hook)

    def _watch_subclasses(self, base: type) -> None:
        """Hear of classes that are made from now on."""
        own = base.__dict__.get("__init_subclass__")
        families = self._watched[base]

        def __init_subclass__(cls: type[Any], /, **kwargs: Any) -> None:  # noqa: N807
            try:
                if own is not None:
                    own.__get__(None, cls)(**kwargs)
                else:
                    super(base, cls).__init_subclass__(**kwargs)  # type: ignore[arg-type]
            except BaseException as error:
                hooks.hide_frame(error)
                raise
            with self.lock:
                if self._watched.get(base) is families:  # the hooks may have gone meanwhile
                    for family in families:
                        self._add_member(family, cls)

        self._change(base, "__init_subclass__", classmethod(hooks.unlisted(__init_subclass__)))

    def _replace(self, owner: Any, name: str, make_hook: Callable[[Any], Any]) -> None:
        """Put a hook in the place of a function."""
        held = own_names(owner)[name]
        function = hooks.stood_for(plain_function(held))
        if function is not plain_function(held):
            # Somebody kept it while it was in, and put it back afterwards.
            held = bound_as(held, function)
            _set(owner, name, held)
        hook = make_hook(function)
        if type(hook) is hooks.MethodHook:
            self._originals[hooks.hook_in(hook)] = function
        standing = bound_as(held, hook)
        self._originals[standing] = held
        self._change(owner, name, standing)

    def _replace_aliases(self, table: FunctionTable) -> None:
        """Put hooks in wherever a function is known by another name than in its own module.

        Args:
            table: where Keras looks up some of its functions, besides.
        """
        in_modules = {
            self._originals[change.now]: change.now
            for change in self._changes
            if inspect.ismodule(change.owner)
        }
        in_table = [(table, name, f) for name, f in vars(table).items() if inspect.isfunction(f)]
        for holder, name, function in [*aliases(in_modules), *in_table]:
            if function in in_modules:
                self._change(holder, name, in_modules[function])

    def _change(self, owner: Any, name: str, value: Any) -> None:
        self._changes.append(_SetAttribute(owner, name, own_names(owner).get(name, _ABSENT), value))
        _set(owner, name, value)

    # -- taking hooks out ---------------------------------------------------------------------

    def _take_out(self) -> None:
        self._complete = False
        if self._watch is not None:
            self._watch.stop()
        self._restore_inherited()
        while self._changes:
            self._changes[-1].undo()
            self._changes.pop()
        _retire(self._originals)
        for family in self._families:
            family.hooks.clear()
        _restore_references(self._originals)
        self.keras.clear()
        self._dry_packages.clear()
        self.recorder.hook_codes = {}
        self.recorder.constructors = {}
        # The last: until here, all of this can be done again.
        for kept in (self._families, self._watched, self._originals):
            kept.clear()

    def _restore_inherited(self) -> None:
        """Take out hooks that a class has taken from another one meanwhile."""
        stood_for = _by_id(self._originals)
        for family in self._families:
            for cls in classes_below(family.base):
                held = id(cls.__dict__.get(family.name))
                if held in stood_for:
                    setattr(cls, family.name, stood_for[held])


def _warn(package: str, what: str) -> None:
    version = getattr(sys.modules[package], "__version__", "")
    warnings.warn(
        f"{package} {version} {what} Is there a newer buildtrace?",
        MissingLandmarkWarning,
        stacklevel=3,
    )


def _set(owner: Any, name: str, value: Any) -> None:
    if inspect.ismodule(owner):
        vars(owner)[name] = value  # TensorFlow's lazy modules have a __setattr__ of their own
    else:
        setattr(owner, name, value)


def _retire(functions: dict[Any, Any]) -> None:
    """Take out the hooks of methods, which are more than functions."""
    for hook in list(functions):
        if type(hook) is hooks.MethodHook:
            hooks.retire(hook)


def _restore_references(functions: dict[Any, Any]) -> None:
    """Put back what the hooks stood for that somebody took while they were in.

    `from keras import Input` keeps one in a module, `keras.layers.deserialize` enters some in a
    table, a class's body or a closure may hold one.

    Args:
        functions: what each hook stood for.
    """
    _restore_names(functions)
    taken = _taken(functions)
    if not taken:
        return
    stood_for = _by_id(functions)
    holders = gc.get_referrers(*taken)
    for cell in holders:
        if type(cell) is CellType:
            with contextlib.suppress(ValueError):  # another thread may have emptied it
                if id(cell.cell_contents) in stood_for:
                    cell.cell_contents = stood_for[id(cell.cell_contents)]
    dicts = [each for each in holders if type(each) is dict and each is not functions]
    owners = _owners(dicts)
    for names in dicts:
        owner = owners.get(id(names))
        for name, value in list(names.items()):
            if id(value) in stood_for:
                if owner is None:
                    names[name] = stood_for[id(value)]
                else:
                    setattr(owner, name, stood_for[id(value)])


def _by_id(functions: dict[Any, Any]) -> dict[int, Any]:
    """What each hook stood for, by its identity: what a stranger holds may be equal to anything."""
    return {id(hook): function for hook, function in functions.items()}


def _restore_names(functions: dict[Any, Any]) -> None:
    """Put back what is in a module.

    There it is found by its name, which is faster than a search of the heap, and works for what
    `gc.freeze` has hidden from that.
    """
    for module, name, hook in aliases(_taken(functions)):
        _set(module, name, functions[hook])


def _taken(functions: dict[Any, Any]) -> list[Any]:
    """The hooks that somebody else holds; who that is would take long to find."""
    (least,) = _references({object(): None})
    counted = zip(functions, _references(functions), strict=True)
    return [hook for hook, count in counted if count > least]


def _references(functions: dict[Any, Any]) -> list[int]:
    """How many references there are to each key: with those of the dict and of the loop here."""
    return [sys.getrefcount(function) for function in list(functions)]


def _owners(dicts: list[dict[str, Any]]) -> dict[int, type]:
    """The classes whose names these are, by identity: Python must be told when one changes."""
    names = {id(each) for each in dicts if "__module__" in each}
    classes = classes_below(object) if names else ()
    return {id(d): cls for cls in classes for d in gc.get_referents(cls) if id(d) in names}
