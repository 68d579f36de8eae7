"""Hooks before and after a step: every form of an element, and wrong ones."""

import logging
import sys

import pytest

from jwst_cal.errors import ParameterError
from jwst_cal.framework import Chain, Pipeline, Step, hooks, param


class AddStep(Step):
    """Add a number."""

    class_alias = "add"
    amount: float = param(1.0, "What is added")

    def process(self, value):
        return value + self.amount


class PlainStep(Step):
    """Give back what came in."""

    def process(self, value):
        return value


def double(value):
    return 2 * value


def nothing(value):
    return None


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make the classes and functions here importable by a dotted path."""
    monkeypatch.setitem(sys.modules, "hooks_of_a_test", sys.modules[__name__])
    monkeypatch.chdir(tmp_path)
    return "hooks_of_a_test"


def label(value):
    """Name a case without addresses: the same in every run and worker."""
    if isinstance(value, list):
        return "[" + ",".join(map(label, value)) + "]"
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(
    ("pre", "post", "expected"),
    [
        ([double], [], 6),
        ([double, double], [], 12),
        ([], [double, AddStep], 7),
        ([nothing], [nothing], 3),
        ([AddStep(amount=0.5)], [], 3.5),
        (["hooks_of_a_test.double"], [], 6),
        (["hooks_of_a_test.AddStep"], [], 4),
        (["hooks_of_a_test.AddStep(amount=2)"], [], 5),
        (["hooks_of_a_test.AddStep(amount=2.5)"], [], 5.5),
        (["hooks_of_a_test.AddStep()", "hooks_of_a_test.double"], [], 8),
        (["echo {0} > said"], [], 3),
    ],
    ids=label,
)
def test_result(module, pre, post, expected):
    assert PlainStep(pre_hooks=pre, post_hooks=post).run(3) == expected


def test_a_value_of_a_pre_hook_replaces_all_arguments(module):
    class TwoStep(Step):
        def process(self, first, second="absent"):
            return first, second

    assert TwoStep(pre_hooks=[lambda first, second: first + second]).run(1, 2) == (3, "absent")


def test_post_hooks_run_after_a_skip(module):
    pipe_step = PlainStep(parent=PlainStep("outer"), skip=True, post_hooks=[double])
    assert pipe_step.run(3) == 6


def test_command_gets_the_argument_and_its_output_is_logged(module, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    PlainStep(post_hooks=["echo got {0}; echo err >&2"]).run("x.fits")
    assert "stdout of 'echo got x.fits; echo err >&2': got x.fits" in caplog.text
    assert "stderr of" in caplog.text


def test_command_gets_a_file_for_a_model(module, tmp_path):
    class Model:
        meta = None

        def save(self, path, **_):
            (tmp_path / path).write_text("saved")

    step = PlainStep()
    hooks.make(step, "post", 1, "cp {0} copy").call(Model())
    assert (tmp_path / "copy").read_text() == "saved"
    assert (tmp_path / "stpipe.PlainStep.post_hook1.0000.fits").exists()


def test_command_that_fails(module):
    with pytest.raises(OSError, match="'exit 3' returned error code 3"):
        PlainStep(pre_hooks=["exit 3"]).run(1)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (double, "double"),
        (AddStep, "add"),
        (PlainStep, "pre_hook4"),
        ("hooks_of_a_test.AddStep", "add"),
        ("hooks_of_a_test.PlainStep", "pre_hook4"),
        ("hooks_of_a_test.AddStep(amount=1)", "AddStep"),
        ("jwst.jump.JumpStepp --x", "jwst.jump.JumpStepp --x"),
    ],
    ids=label,
)
def test_name(module, given, name):
    assert hooks.make(PlainStep(), "pre", 4, given).name == name


def test_output_ext_is_passed_on(module):
    step = PlainStep(output_ext=".asdf")
    hook = hooks.make(step, "pre", 0, "hooks_of_a_test.AddStep").call.__self__
    assert hook.output_ext == ".asdf"
    assert hook.parent is step


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("hooks_of_a_test.doubel", "pre_hooks of PlainStep: 'hooks_of_a_test' has no 'doubel'; "
                                   "did you mean 'double'"),
        ("hooks_of_a_test.double(x=1)", "takes no arguments: it is no Step class"),
        ("hooks_of_a_test.AddStep(1)", "cannot read the arguments of .*only name=value"),
        ("hooks_of_a_test.AddStep(amount=open('x'))", "cannot read the arguments of"),
        ("hooks_of_a_test.AddStep(amount=)", "cannot read the arguments of"),
        ("hooks_of_a_test.AddStep(amuont=1)", "no parameter 'amuont'; did you mean 'amount'"),
        ("hooks_of_a_test.AddStep(amount='x')", "'x' is not a number"),
        ("hooks_of_a_test.sys", "is no function, no Step and no command"),
        (3, "3 is no function, no Step and no command"),
        ("echo {1}", "cannot fill in 'echo .1.'"),
        ("", "the command is empty"),
    ],
)  # fmt: skip
def test_refused(module, given, problem):
    with pytest.raises(ParameterError, match=problem):
        PlainStep(pre_hooks=[given]).run(1)


@pytest.mark.parametrize("when", ["pre_hooks", "post_hooks"])
@pytest.mark.parametrize("text", ["no_such_package.func", "no_such_program -x {0}"])
def test_missing_hook_is_found_before_anything_is_computed(module, when, text, monkeypatch):
    ran = []
    monkeypatch.setattr(PlainStep, "process", lambda self, value: ran.append(value))
    with pytest.raises(ParameterError, match=f"{when} of PlainStep: '{text.split()[0]}' is no "
                                             "function, no Step and no command"):
        PlainStep(**{when: [text]}).run(1)
    assert not ran


def test_missing_hook_of_a_sub_step_is_found_before_anything_is_computed(small_ramp):
    class TwoPipeline(Pipeline):
        """Fail at once."""

        chain = Chain(AddStep)

        def process(self, ramp):
            raise AssertionError("it ran")

    pipe = TwoPipeline()
    name = next(iter(pipe.step_defs))
    getattr(pipe, name).post_hooks = ["nosuchprogram"]
    with pytest.raises(ParameterError, match=f"post_hooks of {name}: 'nosuchprogram' is no"):
        pipe.run(small_ramp)


def test_shell_builtins_and_shell_syntax_are_left_to_the_shell(module):
    for text in ("cd . && true", "true", "(exit 0)", "X=1 true"):
        assert PlainStep(pre_hooks=[text]).run(1) is not None


class SelfStep(Step):
    """Hooks itself."""

    class_alias = "selfish"
    pre_hooks: list = param(["hooks_of_a_test.SelfStep"], "Its own hook")

    def process(self, value):
        return value


def test_circular_hooks(module):
    with pytest.raises(ParameterError, match="circular hooks: selfish as pre_hook of selfish ->"):
        SelfStep().run(1)


def test_instance_that_hooks_itself():
    step = PlainStep()
    step.pre_hooks = [step]
    with pytest.raises(ParameterError, match="circular hooks"):
        step.run(1)


def test_command_without_a_field_gets_no_file(small_ramp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PlainStep(pre_hooks=["true"]).run(small_ramp)
    assert list(tmp_path.iterdir()) == []
    PlainStep(pre_hooks=["test -s {0}"]).run(small_ramp)
    assert [path.name for path in tmp_path.iterdir()] == [
        "stpipe.PlainStep.pre_hook0.0000.fits"]
