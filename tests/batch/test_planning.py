"""Plans: which tasks there are, in which order; and plan files."""

import json
import os
import tomllib
from pathlib import Path

import images
import pytest

from jwst_cal import registry
from jwst_cal.batch import plan_file, planning, references, resources
from jwst_cal.batch.state import everything
from jwst_cal.batch.tasks import Task
from jwst_cal.errors import InputError


@pytest.fixture(autouse=True)
def all_pipelines(monkeypatch):
    """Plan as if this release had all pipelines."""
    monkeypatch.setattr(registry.Row, "exists", True)


def header(root, **values):
    """What the header of an exposure tells."""
    found = {"meta.exposure.type": "NRC_IMAGE", "meta.instrument.name": "NIRCAM",
             "meta.instrument.detector": "NRCA1", "meta.instrument.filter": "F200W",
             "meta.instrument.pupil": "CLEAR", "meta.observation.program_number": "01234",
             "meta.observation.observation_number": "001", "meta.exposure.nints": 1}
    return found | {name.replace("__", "."): value for name, value in values.items()}


@pytest.fixture
def exposures(tmp_path, monkeypatch):
    """Make files that have these headers: suffix and values by root."""
    known = {}
    monkeypatch.setattr("jwst_cal.models.read_header",
                        lambda path: known[Path(path).name.rpartition("_")[0]])

    def make(**kinds):
        (tmp_path / "raw").mkdir(exist_ok=True)
        for root, (suffix, values) in kinds.items():
            known[root] = header(root, **values)
            (tmp_path / "raw" / f"{root}_{suffix}.fits").touch()
        return str(tmp_path / "raw")

    return make


def told(plan):
    return [(task.name, [Path(path).name for path in task.inputs], list(task.after))
            for task in plan.tasks]


class TestStages:
    def test_images(self, exposures, tmp_path):
        plan = planning.make([exposures(a=("uncal", {}), b=("uncal", {}))], str(tmp_path / "out"))
        assert told(plan) == [
            ("calwebb_detector1 a", ["a_uncal.fits"], []),
            ("calwebb_detector1 b", ["b_uncal.fits"], []),
            ("calwebb_image2 a", ["a_rate.fits"], ["calwebb_detector1 a"]),
            ("calwebb_image2 b", ["b_rate.fits"], ["calwebb_detector1 b"]),
            ("calwebb_image3 jw01234-o001_nircam_clear-f200w",
             ["jw01234-o001_nircam_clear-f200w_image3_asn.json"],
             ["calwebb_image2 a", "calwebb_image2 b"]),
        ]
        (association,) = plan.associations.values()
        assert association["asn_type"] == "image3"
        assert [m["expname"] for m in association["products"][0]["members"]] == [
            "a_cal.fits", "b_cal.fits"]
        assert not (tmp_path / "out").exists()

    def test_some_stages(self, exposures, tmp_path):
        folder = exposures(a=("rate", {}), b=("rate", {}))
        plan = planning.make([folder], str(tmp_path), stages=[2])
        assert told(plan) == [("calwebb_image2 a", ["a_rate.fits"], []),
                              ("calwebb_image2 b", ["b_rate.fits"], [])]
        assert plan.tasks[0].inputs == (os.path.join(folder, "a_rate.fits"),)

    def test_products_beside_the_raw_exposures_are_not_inputs(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}))
        Path(folder, "a_rate.fits").touch()
        plan = planning.make([folder], str(tmp_path))
        assert [task.label for task in plan.tasks] == [
            "calwebb_detector1", "calwebb_image2", "calwebb_image3"]

    @pytest.mark.parametrize(("kind", "tso", "pipelines"), [
        ("NRC_IMAGE", False, "detector1 image2 image3"),
        ("NRC_TSIMAGE", True, "detector1 image2 tso3"),
        ("NRC_TSGRISM", True, "detector1 spec2 tso3"),
        ("NIS_SOSS", True, "detector1 spec2 tso3"),
        ("NIS_AMI", False, "detector1 image2 ami3"),
        ("MIR_LYOT", False, "detector1 image2 coron3"),
        ("MIR_MRS", False, "detector1 spec2 spec3"),
        ("NRC_TACQ", False, "detector1 image2"),
        ("NRC_DARK", False, "dark"),
        ("FGS_FINEGUIDE", False, "guider"),
        ("NRS_LAMP", False, "detector1 spec2"),
    ])
    def test_pipelines(self, exposures, tmp_path, kind, tso, pipelines):
        folder = exposures(a=("uncal", {"meta__exposure__type": kind, "meta__exposure__nints": 3,
                                        "meta__visit__tsovisit": tso}))
        plan = planning.make([folder], str(tmp_path))
        assert [task.label.removeprefix("calwebb_") for task in plan.tasks] == pipelines.split()
        if tso:
            assert plan.tasks[1].inputs[0].endswith("a_rateints.fits")
            assert plan.tasks[1].products == ("a_calints.fits",)

    @pytest.mark.parametrize("kind", ["NIS_AMI", "NRC_CORON"])
    def test_integrations_are_kept(self, exposures, tmp_path, kind):
        folder = exposures(a=("uncal", {"meta__exposure__type": kind, "meta__exposure__nints": 3}))
        plan = planning.make([folder], str(tmp_path))
        assert plan.tasks[1].inputs[0].endswith("a_rateints.fits")
        (association,) = plan.associations.values()
        assert association["products"][0]["members"][0]["expname"] == "a_calints.fits"

    def test_groups_of_stage_3(self, exposures, tmp_path):
        plan = planning.make([exposures(
            a=("cal", {}), b=("cal", {"meta__instrument__filter": "F444W"}),
            c=("cal", {"meta__observation__observation_number": "002"}), d=("cal", {}),
            e=("cal", {"meta__subarray__name": "SUB64P"}),
            f=("cal", {"meta__subarray__name": "FULL",
                       "meta__observation__observation_number": "003"}))],
            str(tmp_path))
        assert [task.name.split()[-1] for task in plan.tasks] == [
            "jw01234-o001_nircam_clear-f200w", "jw01234-o001_nircam_clear-f444w",
            "jw01234-o002_nircam_clear-f200w", "jw01234-o001_nircam_clear-f200w-sub64p",
            "jw01234-o003_nircam_clear-f200w"]

    def test_backgrounds(self, exposures, tmp_path):
        away = {"meta__observation__bkgdtarg": True}
        plan = planning.make([exposures(
            a=("uncal", away), b=("uncal", {}), c=("uncal", away),
            d=("uncal", {"meta__instrument__detector": "NRCA2"}))], str(tmp_path), stages=[1, 2])
        by_name = {task.name: task for task in plan.tasks}
        assert by_name["calwebb_image2 b"].after == (
            "calwebb_detector1 b", "calwebb_detector1 a", "calwebb_detector1 c")
        members = plan.associations[by_name["calwebb_image2 b"].inputs[0]]["products"][0]["members"]
        assert [(m["expname"], m["exptype"]) for m in members] == [
            ("b_rate.fits", "science"), ("a_rate.fits", "background"),
            ("c_rate.fits", "background")]
        assert by_name["calwebb_image2 d"].inputs[0].endswith("d_rate.fits")

    def test_pipelines_that_are_not_there(self, exposures, tmp_path, monkeypatch):
        monkeypatch.setattr(registry.Row, "exists", property(lambda row: "3" not in row.alias))
        plan = planning.make([exposures(a=("uncal", {}))], str(tmp_path))
        assert len(plan.tasks) == 2
        assert plan.remarks == ["calwebb_image3 is not part of this release: 1 of its tasks left "
                                "out"]
        assert not plan.associations


class TestAssociations:
    def write(self, folder, name, kind, *members):
        path = Path(folder, name)
        path.write_text(json.dumps({
            "asn_type": kind, "asn_rule": "Asn_Lv3Image" if kind == "image3" else "Asn_Lv2Image",
            "asn_id": "o001", "asn_pool": "pool", "products": [{"name": "mine", "members": [
                {"expname": m, "exptype": role} for m, role in members]}]}))
        return str(path)

    def test_given_ones_decide(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}), b=("uncal", {}), c=("uncal", {}))
        self.write(folder, "x_image3_asn.json", "image3", ("a_cal.fits", "science"),
                   ("c_cal.fits", "science"))
        self.write(folder, "x_image2_asn.json", "image2", ("a_rate.fits", "science"),
                   ("b_rate.fits", "background"))
        plan = planning.make([folder], str(tmp_path / "out"))
        by_name = {task.name: task for task in plan.tasks}
        assert by_name["calwebb_image2 mine"].after == (
            "calwebb_detector1 a", "calwebb_detector1 b")
        third = by_name["calwebb_image3 mine"]
        assert third.after == ("calwebb_image2 mine", "calwebb_image2 c")
        assert third.inputs == (str(tmp_path / "out" / "x_image3_asn.json"),)
        members = plan.associations[third.inputs[0]]["products"][0]["members"]
        assert [m["expname"] for m in members] == ["mine_cal.fits", "c_cal.fits"]
        assert "calwebb_image2 a" not in by_name

    def test_many_products_are_done_one_by_one(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}), b=("uncal", {}))
        path = self.write(folder, "x_image2_asn.json", "image2", ("a_rate.fits", "science"))
        association = json.loads(Path(path).read_text())
        association["products"].append({"name": "other", "members": [
            {"expname": "b_rate.fits", "exptype": "science"},
            {"expname": "a_rate.fits", "exptype": "background"}]})
        Path(path).write_text(json.dumps(association))
        plan = planning.make([folder], folder, stages=[1, 2])
        assert told(plan)[2:] == [
            ("calwebb_image2 mine", ["mine_image2_asn.json"], ["calwebb_detector1 a"]),
            ("calwebb_image2 other", ["other_image2_asn.json"],
             ["calwebb_detector1 b", "calwebb_detector1 a"])]
        assert [asn["products"][0]["name"] for asn in plan.associations.values()] == [
            "mine", "other"]

    def test_one_alone_brings_its_members(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}), b=("rate", {}))
        path = self.write(folder, "x_image2_asn.json", "image2", ("a_rate.fits", "science"),
                          ("b_rate.fits", "background"))
        plan = planning.make([path], str(tmp_path / "out"), stages=[1, 2])
        assert [task.name for task in plan.tasks] == ["calwebb_detector1 a", "calwebb_image2 mine"]
        members = plan.associations[plan.tasks[1].inputs[0]]["products"][0]["members"]
        assert [m["expname"] for m in members] == [
            "a_rate.fits", os.path.join(folder, "b_rate.fits")]


class TestPool:
    """Associations made from a pool."""

    def write(self, folder, *roots, suffix="uncal", **cells):
        row = {"program": "1234", "obs_num": "1", "targetid": "7", "instrume": "nircam",
               "exp_type": "nrc_image", "filter": "f200w", "pupil": "clear", "detector": "nrca1",
               "subarray": "full", "pntgtype": "science", "bkgdtarg": "f", "tsovisit": "f",
               "asn_candidate": "[('o001', 'observation')]"} | cells
        lines = ["|".join(["filename", *row])]
        lines += ["|".join([f"{root}_{suffix}.fits", *row.values()]) for root in roots]
        path = Path(folder, "jw01234_pool.csv")
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def names(self, plan):
        return [task.name for task in plan.tasks]

    def test_decides(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}), b=("uncal", {}), c=("uncal", {}))
        Path(folder, "other_asn.json").write_text("not looked at")
        plan = planning.make([folder, self.write(tmp_path, "a", "b", "z")], str(tmp_path / "out"))
        assert self.names(plan) == [
            *(f"calwebb_detector1 {root}" for root in "abc"),
            *(f"calwebb_image2 {root}" for root in "abc"),
            "calwebb_image3 jw01234-o001_t007_nircam_clear-f200w"]
        assert plan.tasks[-1].after == ("calwebb_image2 a", "calwebb_image2 b")
        association = plan.associations[plan.tasks[-1].inputs[0]]
        assert association["asn_pool"] == "jw01234_pool.csv"
        assert [m["expname"] for m in association["products"][0]["members"]] == [
            "a_cal.fits", "b_cal.fits"]
        assert plan.remarks == ["jw01234_pool.csv: 1 of its 3 exposures are not here; left out"]

    def test_alone_it_stands_for_the_exposures_beside_it(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}), b=("rate", {}), c=("uncal", {}))
        plan = planning.make([self.write(folder, "a", "b")], str(tmp_path / "out"))
        assert self.names(plan) == [
            "calwebb_detector1 a", "calwebb_image2 a", "calwebb_image2 b",
            "calwebb_image3 jw01234-o001_t007_nircam_clear-f200w"]
        assert plan.associations[plan.tasks[2].inputs[0]]["products"][0]["members"][0][
            "expname"] == os.path.join(folder, "b_rate.fits")

    def test_time_series(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {"meta__exposure__type": "NRC_TSIMAGE",
                                        "meta__visit__tsovisit": True,
                                        "meta__exposure__nints": 4}))
        plan = planning.make([self.write(folder, "a", exp_type="nrc_tsimage", tsovisit="t")],
                             str(tmp_path / "out"))
        members = [[m["expname"] for m in asn["products"][0]["members"]]
                   for asn in plan.associations.values()]
        assert members == [["a_rateints.fits"], ["a_calints.fits"]]
        assert plan.tasks[1].products == ("a_calints.fits",)
        assert plan.tasks[2].label == "calwebb_tso3"

    def test_spectra_go_by_their_headers(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}), b=("uncal", {"meta__exposure__type": "NRC_WFSS"}))
        plan = planning.make([folder, self.write(tmp_path, "a")], str(tmp_path / "out"))
        assert self.names(plan)[-4:] == [
            "calwebb_image2 a", "calwebb_spec2 b",
            "calwebb_image3 jw01234-o001_t007_nircam_clear-f200w",
            "calwebb_spec3 jw01234-o001_nircam_clear-f200w"]

    def test_of_other_exposures(self, exposures, tmp_path):
        folder = exposures(a=("uncal", {}))
        with pytest.raises(InputError, match="none of its 1 exposures"):
            planning.make([folder, self.write(tmp_path, "z")], str(tmp_path))
        with pytest.raises(InputError, match=r"x.csv: no pool"):
            planning.make([folder, "x.csv"], str(tmp_path))


class TestFiles:
    plan = planning.Plan("/data/out", [
        Task("one", "calwebb_detector1", ("/data/raw/a_uncal.fits",),
             {"steps": {"jump": {"rejection_threshold": 5.5, "skip": False}}, "suffix": 'q"\n é'},
             "/data/out", (), ("a_rate.fits",)),
        Task("two", "/data/mine.asdf", ("/other/b.fits",), {}, "/data/out", ("one",)),
    ])

    @pytest.mark.parametrize("ending", ["toml", "json"])
    def test_round_trip(self, tmp_path, ending):
        path = str(tmp_path / f"plan.{ending}")
        plan_file.write(self.plan, path, resources.Experience())
        assert plan_file.is_plan(path)
        assert plan_file.read(path) == self.plan

    def test_may_be_moved(self, tmp_path):
        (tmp_path / "a").mkdir()
        task = Task("x", "jump", (str(tmp_path / "a/raw/x.fits"),), {}, str(tmp_path / "a/out"))
        plan_file.write(planning.Plan(task.output_dir, [task]), str(tmp_path / "a/plan.toml"),
                        resources.Experience())
        os.rename(tmp_path / "a", tmp_path / "b")
        (found,) = plan_file.read(str(tmp_path / "b/plan.toml")).tasks
        assert found.inputs == (str(tmp_path / "b/raw/x.fits"),)
        assert found.output_dir == str(tmp_path / "b/out")

    def test_common_parameters(self, tmp_path):
        path = tmp_path / "plan.toml"
        plan_file.write(self.plan, str(path), resources.Experience())
        path.write_text(path.read_text() + "\n[parameters.calwebb_detector1.steps]\n"
                        "jump = {skip = true, n_extend = 1}\nramp_fit = {algorithm = 'LIKELY'}\n")
        one, two = plan_file.read(str(path)).tasks
        assert one.parameters["steps"] == {
            "jump": {"rejection_threshold": 5.5, "skip": False, "n_extend": 1},
            "ramp_fit": {"algorithm": "LIKELY"}}
        assert two.parameters == {}

    @pytest.mark.parametrize(("text", "says"), [
        ("", "jwst_cal_plan = 1"), ("a = ", "is no plan"), ("jwst_cal_plan = 2", "no plan of this"),
        ("jwst_cal_plan = 1\n[[task]]\nname = 'x'", "task 1: name, run or inputs"),
        ("jwst_cal_plan = 1\n[[task]]\nname = 'x'\nrun = 'jump'\ninputs = []\nrum = 1", "'rum'"),
    ])
    def test_refuses(self, tmp_path, text, says):
        (tmp_path / "plan.toml").write_text(text)
        with pytest.raises(InputError, match=says):
            plan_file.read(str(tmp_path / "plan.toml"))


def test_command(raw, tmp_path, capsys, monkeypatch):
    """A plan names what is needed, and is run."""
    from jwst_cal.cli import command

    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert command.main(["plan", str(raw), "-o", "out", "--stages=1"]) == 0
    out = capsys.readouterr().out
    assert "plan.toml: 6 tasks" in out
    found = tomllib.loads(Path("plan.toml").read_text())
    assert found["output_dir"] == "out"
    first = found["task"][0]
    assert first["references"]["gain"].startswith("jwst_nircam_gain_")
    assert first["foreseen"]["bytes"] > 0
    assert not Path("out").exists()
    assert command.main(["run", "plan.toml", "--stages=1", "-o", "x"]) == 2


def test_stage_2_is_run(tmp_path, run_here, monkeypatch):
    from jwst_cal.pipelines import Image2Pipeline

    monkeypatch.undo()
    (tmp_path / "raw").mkdir()
    for seed in (1, 2):
        image = images.image(seed=seed)
        image.save(tmp_path / "raw" / image.meta.filename)
    given = {"steps": images.overrides(Image2Pipeline, images.references("NIRCAM", tmp_path))}
    plan = planning.make([str(tmp_path / "raw")], str(tmp_path / "out"), stages=[2],
                         parameters={"calwebb_image2": given})
    assert references.needed(plan.tasks).names() == []  # all are overridden
    assert len(run_here(plan).of("done")) == 2
    rows, _ = everything(str(tmp_path / "out"))
    for row in rows:  # products with coordinates have pictures, too
        cal, i2d = sorted(row["pictures"], key=lambda picture: picture["product"])
        assert cal["product"].endswith("_cal.fits")
        assert cal["DO_NOT_USE"] > 0
        assert i2d["product"].endswith("_i2d.fits")
    assert len(list((tmp_path / "out").glob("*_cal.fits"))) == 2
    assert len(list((tmp_path / "out").glob("*_i2d.fits"))) == 2
    assert run_here(plan).of("done") == []
