"""Parameter files that CRDS chooses: a genuine cache, the client, strun, products."""

import ast
import json
import re
from pathlib import Path

import pytest

from jwst_cal.cli.strun import main
from jwst_cal.errors import ParameterError
from jwst_cal.framework import building, configuration, provenance, reference_store
from jwst_cal.models import open as open_model
from jwst_cal.registry import load
from jwst_cal.simulate import cache, exposures
from jwst_cal.simulate.instruments import INSTRUMENTS

RULES = """{
    'NRC_IMAGE' : UseAfter({
        '2020-01-01 00:00:00' : 'NAME_0001.asdf',
        '2024-01-01 00:00:00' : 'NAME_0002.asdf',
        '2030-01-01 00:00:00' : 'NAME_0003.asdf',
    }),
    'NRC_TSIMAGE' : UseAfter({
        '2020-01-01 00:00:00' : 'NAME_0004.asdf',
    }),
}"""
#: What the second of the four files of a type holds. The type of the file that is not in the cache
#: is the one that holds None.
FILES = {
    "pars-jumpstep": {
        "class": "jwst.jump.jump_step.JumpStep", "name": "jump",
        "rejection_threshold": 5.0, "min_jump_to_flag_neighbors": 11.0, "four_group": 7.0,
    },
    "pars-detector1pipeline": {
        "class": "jwst.pipeline.calwebb_detector1.Detector1Pipeline", "name": "from_crds",
        "save_calibrated_ramp": True, "retired": 1,
        "steps": {
            "jump": {"class": "jwst.jump.jump_step.JumpStep",
                     "min_jump_to_flag_neighbors": 12.0, "max_jump_to_flag_neighbors": 210.0},
            "ramp_fit": {"class": "jwst.ramp_fitting.ramp_fit_step.RampFitStep",
                         "suppress_one_group": False},
            "undersampling_correction": {"class": "jwst.x.Y", "signal_threshold": 3.0},
        },
    },
    "pars-linearitystep": {"broken": True},
    "pars-darkcurrentstep": None,
}
UNKNOWN = ("'four_group' is no parameter of jump", "'retired' is no parameter of Detector1Pipeline",
           "'undersampling_correction' is no step of Detector1Pipeline")


def _asdf(content, serial):
    """A file as CRDS has them: with history and metadata, which say nothing here."""
    if content.get("broken"):
        return "#ASDF 1.0.0\n--- nothing: [\n"
    if serial != 2:
        content = {key: content[key] for key in ("class", "name")} | {"save_results": serial == 1}
    text = configuration.to_asdf(content, metadata=True)
    head = "--- !core/asdf-1.1.0\n"
    assert head in text
    return text.replace(head, head + "asdf_library: !core/software-1.0.0 {name: asdf, version: "
                        "2.7.3}\nhistory:\n  extensions:\n  - !core/extension_metadata-1.0.0\n"
                        "    extension_class: asdf.extension.BuiltinExtension\n")


def _rules(name, reftype):
    return cache._mapping(name, {
        "mapping": "REFERENCE", "instrument": "NIRCAM", "filekind": reftype.upper(),
        "filetype": reftype.upper(), "file_ext": ".asdf", "suffix": reftype, "text_descr": reftype,
        "classes": ("Match", "UseAfter"),
        "parkey": (("META.EXPOSURE.TYPE",), ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")),
    }, f"Match({RULES.replace('NAME', f'jwst_nircam_{reftype}')})")


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """An exposure, and a cache of the rules of simulated detectors with parameter files added."""
    folder = tmp_path_factory.mktemp("material")
    exposure = exposures.simulate("NIRCAM", "SUB64P", n_ints=2, n_groups=5).write(
        folder / "X_uncal.fits")
    root = cache.ensure(folder / "crds")
    references, mappings = root / "references" / "jwst", root / "mappings" / "jwst"
    for reftype in INSTRUMENTS["NIRCAM"].references:
        found = Path(reference_store.find(str(exposure), reftype))
        if found.is_file():
            (references / found.name).symlink_to(found)
    imap = mappings / f"jwst_nircam_{cache._SERIAL}.imap"
    header, types = (ast.literal_eval(node.value) for node in ast.parse(imap.read_text()).body)
    for reftype, content in FILES.items():
        name = types[reftype.upper()] = f"jwst_nircam_{reftype}_0001.rmap"
        (mappings / name).write_text(_rules(name, reftype))
        for serial in (1, 2, 3, 4) if content else ():
            (references / f"jwst_nircam_{reftype}_{serial:04d}.asdf").write_text(
                _asdf(content, serial))
    del header["sha1sum"]
    imap.write_text(cache._mapping(imap.name, header, cache._literal(types)))
    return folder


@pytest.fixture
def folder(material, tmp_path, monkeypatch):
    """Work beside the exposure, with the cache in the environment as users set it."""
    for name in ("STPIPE_DISABLE_CRDS_STEPPARS", "JWST_CAL_CRDS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRDS_PATH", str(material / "crds"))
    monkeypatch.setenv("CRDS_SERVER_URL", "https://jwst-serverless.stsci.edu")
    monkeypatch.setenv("CRDS_CONTEXT", cache.CONTEXT)
    monkeypatch.setenv("CRDS_READONLY_CACHE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "X_uncal.fits").symlink_to(material / "X_uncal.fits")
    return tmp_path


def explained(capsys, *words):
    """Value and source of each parameter, and the log above them."""
    assert main([*words, "--explain"]) == 0
    out = capsys.readouterr().out
    found = re.findall(r"^(\S+)  +(.*?)  +(default|strun.*|command line|file .*|reference .*)$",
                       out, re.MULTILINE)
    return {name: (value, source) for name, value, source in found}, out


STEP, PIPELINE = (f"reference 'jwst_nircam_pars-{name}_0002.asdf'"
                  for name in ("jumpstep", "detector1pipeline"))


class TestPrecedence:
    def test_references_beat_defaults_and_the_pipelines_that_of_the_step(self, folder, capsys):
        found, _ = explained(capsys, "calwebb_detector1", "X_uncal.fits")
        assert found["save_calibrated_ramp"] == ("True", PIPELINE)
        assert found["steps.jump.rejection_threshold"] == ("5.0", STEP)
        assert found["steps.jump.min_jump_to_flag_neighbors"] == ("12.0", PIPELINE)
        assert found["steps.jump.max_jump_to_flag_neighbors"] == ("210.0", PIPELINE)
        assert found["steps.ramp_fit.suppress_one_group"] == ("False", PIPELINE)
        assert found["steps.jump.flag_4_neighbors"] == ("True", "default")

    def test_a_step_alone_takes_its_own_only(self, folder, capsys):
        found, _ = explained(capsys, "jump", "X_uncal.fits")
        assert found["rejection_threshold"] == ("5.0", STEP)
        assert found["min_jump_to_flag_neighbors"] == ("11.0", STEP)
        assert found["max_jump_to_flag_neighbors"] == ("1000.0", "default")

    def test_local_file_beats_references_and_the_command_line_beats_all(self, folder, capsys):
        Path("mine.cfg").write_text(
            "class = calwebb_detector1\nsave_calibrated_ramp = no\n[steps]\n[[jump]]\n"
            "rejection_threshold = 6\nmin_jump_to_flag_neighbors = 13\n"
            "config_file = jump.cfg\n")
        Path("jump.cfg").write_text(
            "class = jump\nrejection_threshold = 9\nmax_jump_to_flag_neighbors = 220\n"
            "after_jump_flag_dn1 = 3\n")
        found, _ = explained(capsys, "mine.cfg", "X_uncal.fits",
                             "--steps.jump.rejection_threshold=7")
        assert found["save_calibrated_ramp"] == ("False", "file 'mine.cfg'")
        assert found["steps.jump.rejection_threshold"] == ("7.0", "command line")
        assert found["steps.jump.min_jump_to_flag_neighbors"] == ("13.0", "file 'mine.cfg'")
        named = {"max_jump_to_flag_neighbors": "220.0", "after_jump_flag_dn1": "3.0"}
        for name, value in named.items():
            assert found[f"steps.jump.{name}"][0] == value
            assert found[f"steps.jump.{name}"][1].endswith("jump.cfg'")
        assert found["steps.ramp_fit.suppress_one_group"] == ("False", PIPELINE)

    def test_option_for_a_file_of_a_step_beats_references(self, folder, capsys):
        Path("jump.cfg").write_text("class = jump\nrejection_threshold = 9\n")
        found, _ = explained(capsys, "calwebb_detector1", "X_uncal.fits",
                             "--steps.jump.config_file=jump.cfg")
        assert found["steps.jump.rejection_threshold"][0] == "9.0"
        assert found["steps.jump.min_jump_to_flag_neighbors"] == ("12.0", PIPELINE)

    def test_keywords_of_call_beat_references(self, folder):
        step = building.build(load("jump"), "X_uncal.fits", given={"rejection_threshold": 8})
        assert step.rejection_threshold == 8
        assert step.min_jump_to_flag_neighbors == 11


class TestMessages:
    def test_what_a_reference_holds_and_we_do_not_know_is_a_warning(self, folder, capsys):
        _, out = explained(capsys, "calwebb_detector1", "X_uncal.fits")
        for text in UNKNOWN:
            assert f"WARNING - {text}" in out
        assert "PARS-JUMPSTEP parameters found: " in out

    def test_the_same_in_a_local_file_is_an_error(self, folder, capsys):
        Path("mine.cfg").write_text("class = calwebb_detector1\nretired = 1\n")
        assert main(["mine.cfg", "X_uncal.fits", "--explain"]) == 1
        assert "'retired' is no parameter of Detector1Pipeline" in capsys.readouterr().err

    def test_types_without_a_file_are_no_news(self, folder, capsys):
        _, out = explained(capsys, "calwebb_detector1", "X_uncal.fits")
        assert "ERROR" not in out
        assert "GROUPSCALESTEP" not in out.upper().replace("_", "")

    def test_broken_file_is_a_warning(self, folder, capsys):
        _, out = explained(capsys, "calwebb_detector1", "X_uncal.fits")
        assert re.search(r"WARNING - The parameter reference is not used: parameter file "
                         r"'.*jwst_nircam_pars-linearitystep_0002.asdf'", out)

    def test_file_that_the_rules_name_and_the_cache_lacks_is_a_warning(self, folder, capsys):
        _, out = explained(capsys, "calwebb_detector1", "X_uncal.fits")
        (line,) = [line for line in out.splitlines() if "DARKCURRENTSTEP" in line]
        assert "WARNING" in line
        assert "jwst_nircam_pars-darkcurrentstep_0002.asdf" in line
        assert "not in the cache" in line

    def test_value_that_is_not_allowed_is_an_error_that_names_the_file(self, folder, monkeypatch):
        monkeypatch.setitem(load("jump").parameters()["rejection_threshold"].__dict__, "le", 4)
        with pytest.raises(ParameterError, match=r"rejection_threshold.*pars-jumpstep_0002\.asdf"):
            building.build(load("jump"), "X_uncal.fits")


class TestDisabled:
    def test_by_option(self, folder, capsys):
        found, out = explained(capsys, "calwebb_detector1", "X_uncal.fits",
                               "--disable-crds-steppars")
        assert found["steps.jump.rejection_threshold"] == ("4.0", "default")
        assert "PARS-" not in out

    @pytest.mark.parametrize("value", ["true", "TRUE", "t", "yes", "Y", "1", "on"])
    def test_by_the_environment(self, folder, capsys, monkeypatch, value):
        monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", value)
        found, _ = explained(capsys, "calwebb_detector1", "X_uncal.fits")
        assert "reference" not in {source.split()[0] for _, source in found.values()}
        assert load("jump").get_config_from_reference("X_uncal.fits") == {}
        assert building.build(load("jump"), "X_uncal.fits").rejection_threshold == 4

    @pytest.mark.parametrize("value", ["", "0", "false", "no", "off"])
    def test_not_by_other_values(self, folder, monkeypatch, value):
        monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", value)
        assert building.build(load("jump"), "X_uncal.fits").rejection_threshold == 5

    def test_argument_beats_the_environment(self, folder, monkeypatch):
        jump = load("jump")
        assert jump.get_config_from_reference("X_uncal.fits", disable=True) == {}
        monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "true")
        found = jump.get_config_from_reference("X_uncal.fits", disable=False)
        assert found["rejection_threshold"] == 5


class TestChoice:
    HEADER = {"meta.instrument.name": "NIRCAM", "meta.exposure.type": "NRC_IMAGE",
              "meta.observation.date": "2024-07-01", "meta.observation.time": "03:14:15"}

    @pytest.mark.parametrize(("changes", "serial"), [
        ({}, 2), ({"meta.observation.date": "2021-01-01"}, 1),
        ({"meta.observation.date": "2031-01-01"}, 3), ({"meta.exposure.type": "NRC_TSIMAGE"}, 4),
        ({"meta.exposure.type": "NRC_GRISM"}, None), ({"meta.instrument.name": "MIRI"}, None),
        ({"meta.observation.date": "2019-01-01"}, None),
    ])
    def test_by_mode_and_date(self, folder, changes, serial):
        found = reference_store.find_parameters(self.HEADER | changes, "pars-jumpstep")
        name = serial and f"jwst_nircam_pars-jumpstep_{serial:04d}.asdf"
        assert (found and Path(found).name) == name

    def test_association_takes_the_first_science_member(self, folder, capsys):
        members = [{"expname": "b.fits", "exptype": "background"},
                   {"expname": "X_uncal.fits", "exptype": "SCIENCE"}]
        Path("a.json").write_text(json.dumps({"products": [{"name": "p", "members": members}]}))
        found, _ = explained(capsys, "calwebb_detector1", "a.json")
        assert found["steps.jump.rejection_threshold"] == ("5.0", STEP)


class TestConfigFromReference:
    def given(self, form, folder):
        if form == "model":
            return open_model("X_uncal.fits")
        return reference_store.header_of("X_uncal.fits") if form == "mapping" else "X_uncal.fits"

    @pytest.mark.parametrize("form", ["file", "model", "mapping"])
    def test_of_a_step(self, folder, form):
        found = load("jump").get_config_from_reference(self.given(form, folder))
        assert found == FILES["pars-jumpstep"]

    def test_of_a_pipeline_has_each_step(self, folder):
        pipeline = load("calwebb_detector1")
        found = pipeline.get_config_from_reference("X_uncal.fits", crds_observatory="jwst")
        assert list(found["steps"]) == list(pipeline.step_defs)
        assert found["name"] == "from_crds"
        assert found["save_calibrated_ramp"] is True
        assert found["steps"]["jump"]["rejection_threshold"] == 5
        assert found["steps"]["jump"]["min_jump_to_flag_neighbors"] == 12
        assert found["steps"]["dq_init"] == {}

    def test_without_a_file_is_empty(self, folder):
        assert load("group_scale").get_config_from_reference("X_uncal.fits") == {}
        disabled = load("calwebb_detector1").get_config_from_reference("X_uncal.fits", disable=True)
        assert disabled == {"steps": {}}

    def test_of_a_file_that_is_not_there_is_empty(self, folder):
        assert load("jump").get_config_from_reference("none.fits") == {}


class TestRuns:
    def used(self, product):
        told = list(provenance.read(product).values())[-1]
        return {step["name"]: step["parameters"] for step in told["steps"]}

    def test_pipeline_runs_with_what_the_references_say(self, folder, capsys):
        assert main(["calwebb_detector1", "X_uncal.fits",
                     "--steps.jump.min_jump_to_flag_neighbors=14"]) == 0
        out = capsys.readouterr().out
        assert "jumps above 5 sigma" in out
        made = sorted(path.name for path in folder.iterdir() if not path.is_symlink())
        assert made == ["X_ramp.fits", "X_rate.fits", "X_rateints.fits"]
        used = self.used("X_rate.fits")
        assert used["jump"]["rejection_threshold"] == 5
        assert used["jump"]["min_jump_to_flag_neighbors"] == 14
        assert used["ramp_fit"]["suppress_one_group"] is False

    def test_name_in_the_reference_is_the_suffix_of_a_step(self, folder):
        words = ["X_uncal.fits", "--log-stream=null", "--override_gain=N/A"]
        assert main(["jwst.jump.JumpStep", *words]) == 0
        assert main(["jwst.jump.JumpStep", *words, "--disable-crds-steppars"]) == 0
        assert Path("X_jump.fits").exists()
        assert Path("X_jumpstep.fits").exists()

    def test_call_asks_for_them_and_run_does_not(self, folder):
        jump = load("jump")
        called = jump.call("X_uncal.fits", override_gain="N/A", configure_log=False)
        ran = jump(override_gain="N/A").run("X_uncal.fits")
        assert self.used(called)["jump"]["rejection_threshold"] == 5
        assert self.used(ran)["JumpStep"]["rejection_threshold"] == 4

    def test_saved_parameters_hold_them(self, folder):
        assert main(["calwebb_detector1", "X_uncal.fits", "--save-parameters=p.asdf",
                     "--explain"]) == 0
        saved = configuration.read("p.asdf")
        assert saved["steps"]["jump"]["rejection_threshold"] == 5
        assert saved["steps"]["jump"]["min_jump_to_flag_neighbors"] == 12
