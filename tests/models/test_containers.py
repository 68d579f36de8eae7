"""Containers and libraries: association in, models out, every one accounted for."""

import json
from pathlib import Path

import pytest
from stdatamodels.jwst.datamodels import ImageModel

from jwst_cal.errors import InputError
from jwst_cal.models import ModelContainer, ModelLibrary, _files
from jwst_cal.models.library import BorrowError, ClosedLibraryError


def exposure(number, detector="NRCA1"):
    model = ImageModel((4, 4))
    model.meta.filename = f"jw01_{number}_{detector.lower()}_cal.fits"
    observation = model.meta.observation
    observation.program_number, observation.observation_number = "01345", "001"
    observation.visit_number, observation.visit_group = "001", "02"
    observation.sequence_id, observation.activity_id = "2", "01"
    observation.exposure_number = str(number)
    return model


@pytest.fixture
def association(tmp_path):
    """Two exposures of two detectors each, and a background; returns the table's path."""
    members = []
    for number in (1, 2):
        for detector in ("NRCA1", "NRCA2"):
            model = exposure(number, detector)
            model.save(tmp_path / model.meta.filename)
            members.append({"expname": model.meta.filename, "exptype": "SCIENCE"})
    background = exposure(3)
    background.save(tmp_path / background.meta.filename)
    members.append({"expname": background.meta.filename, "exptype": "background"})
    table = tmp_path / "set_asn.json"
    table.write_text(json.dumps({"products": [{"name": "mosaic", "members": members}]}))
    return table


def names(models):
    return [model.meta.filename for model in models]


class TestContainer:
    def test_opens_beside_the_association_and_records_it(self, association, monkeypatch):
        monkeypatch.chdir("/")
        with ModelContainer(association) as container:
            assert len(container) == 5
            assert container.asn_table_name == "set_asn.json"
            assert container.asn_pool_name == "none"
            assert {m.meta.asn.table_name for m in container} == {"set_asn.json"}
            assert container.ind_asn_type("background") == [4]
            assert container.asn_table["products"][0]["name"] == "mosaic"

    def test_roles_and_number(self, association):
        with ModelContainer(association, asn_exptypes=["science"], asn_n_members=3) as container:
            assert len(container) == 3

    def test_groups_by_exposure(self, association):
        with ModelContainer(association) as container:
            assert [len(group) for group in container.models_grouped] == [2, 2, 1]
            assert container.group_names[0] == "jw01345001001_02201_1"

    def test_own_group_id_wins_and_position_is_the_last_resort(self):
        first, second = exposure(1), ImageModel((2, 2))
        first.meta.group_id = "mine"
        container = ModelContainer([first, second])
        assert container.group_names == ["mine", "exposure0002"]

    def test_is_a_list(self):
        one, two = exposure(1), exposure(2)
        container = ModelContainer([one])
        container.append(two)
        container.extend([exposure(3)])
        assert len(container) == 3
        assert container.pop(0).meta.filename == one.meta.filename
        container.insert(0, one)
        container[0] = two
        del container[2]
        assert names(container) == [two.meta.filename] * 2
        assert len(container[:1]) == 1

    def test_copy_shares_nothing(self):
        container = ModelContainer([exposure(1)])
        other = container.copy()
        other[0].data[0, 0] = 7
        assert container[0].data[0, 0] == 0
        assert other.asn_table == container.asn_table

    def test_saves_with_indices(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        container = ModelContainer([exposure(1), exposure(2)])
        assert container.save("set.fits") == ["set0.fits", "set1.fits"]
        assert (tmp_path / "set1.fits").exists()
        assert container.save(save_model_func=lambda model, idx: idx) == [0, 1]

    def test_missing_members_are_all_named(self, association):
        for name in ("jw01_1_nrca2_cal.fits", "jw01_2_nrca1_cal.fits"):
            (association.parent / name).unlink()
        with pytest.raises(InputError, match=r"2 of its members.*1_nrca2.*2_nrca1"):
            ModelContainer(association)

    def test_wrong_type(self):
        with pytest.raises(TypeError, match="int where"):
            ModelContainer(3)


class TestLibrary:
    @pytest.mark.parametrize("on_disk", [False, True])
    def test_changes_are_kept(self, association, tmp_path, on_disk):
        library = ModelLibrary(association, on_disk=on_disk, temp_directory=tmp_path / "lib")
        with library:
            for index, model in enumerate(library):
                model.data[:] = index + 1
                library.shelve(model, index)
        with library:
            model = library.borrow(2)
            assert model.data[0, 0] == 3
            assert model.meta.filename == "jw01_2_nrca1_cal.fits"
            assert model.meta.asn.exptype == "SCIENCE"
            library.shelve(model)

    def test_unmodified_is_dropped_on_disk(self, association, tmp_path):
        library = ModelLibrary(association, on_disk=True, temp_directory=tmp_path / "lib")
        with library:
            model = library.borrow(0)
            model.data[:] = 9
            library.shelve(model, modify=False)
            again = library.borrow(0)
            assert again.data[0, 0] == 0
            library.shelve(again, modify=False)

    def test_members_groups_and_roles(self, association):
        library = ModelLibrary(association, asn_exptypes="science")
        assert len(library) == 4
        assert library.group_names == {"jw01345001001_02201_1", "jw01345001001_02201_2"}
        assert list(library.group_indices.values()) == [[0, 1], [2, 3]]
        assert library.indices_for_exptype("science") == [0, 1, 2, 3]
        with pytest.raises(TypeError):
            library.asn["asn_pool"] = "x"

    def test_map_function(self, association):
        library = ModelLibrary(association)
        found = list(library.map_function(lambda model, index: (index, model.meta.filename)))
        assert found[4] == (4, "jw01_3_nrca1_cal.fits")

    def test_metadata_without_borrowing(self, association):
        library = ModelLibrary(association)
        flat = library.read_metadata(4)
        assert flat["meta.asn.exptype"] == "background"
        assert library.read_metadata(0, flatten=False)["meta"]["asn"]["pool_name"] == "none"
        assert library.get_crds_parameters()["meta.filename"] == "jw01_1_nrca1_cal.fits"

    def test_save_and_read_back(self, association, tmp_path):
        table = ModelLibrary(association).save(tmp_path / "out")
        assert len(ModelLibrary(table)) == 5

    def test_rules_of_lending(self, association):
        library = ModelLibrary(association)
        with pytest.raises(ClosedLibraryError):
            library.borrow(0)
        with library:
            model = library.borrow(0)
            with pytest.raises(BorrowError, match="borrowed already"):
                library.borrow(0)
            with pytest.raises(BorrowError, match="was not borrowed"):
                library.shelve(exposure(1))
            with pytest.raises(BorrowError, match="1 was not borrowed"):
                library.shelve(model, 1)
            with pytest.raises(BorrowError, match="read its own"):
                library.read_metadata(0)
            with pytest.raises(IndexError):
                library.borrow(5)
            library.shelve(model)
        with pytest.raises(BorrowError, match="1 borrowed models"), library:
            library.borrow(0)

    def test_wrong_input(self, association):
        with pytest.raises(ValueError, match="on_disk"):
            ModelLibrary([exposure(1)], on_disk=True)
        with pytest.raises(ValueError, match="int where"):
            ModelLibrary(3)
        (association.parent / "jw01_3_nrca1_cal.fits").unlink()
        with pytest.raises(InputError, match=r"jw01_3_nrca1_cal\.fits"):
            ModelLibrary(association)


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_step_records_itself_in_every_model_of_a_library(association, tmp_path, on_disk):
    from jwst_cal.framework import Step

    class Nothing(Step):
        class_alias = "tweakreg"

        def process(self, library, *, refs):
            return library

    library = ModelLibrary(association, on_disk=on_disk, temp_directory=tmp_path / "lib")
    result = Nothing().run(library)
    statuses = list(result.map_function(lambda model, index: model.meta.cal_step.tweakreg))
    assert statuses == ["COMPLETE"] * 5
    versions = result.map_function(lambda model, index: model.meta.calibration_software_version)
    assert all(versions)


def test_what_a_library_keeps_on_disk_is_no_product(association, tmp_path):
    library = ModelLibrary(association, on_disk=True, temp_directory=tmp_path / "lib")
    with _files.noting() as saved:
        for _ in library.map_function(lambda model, index: None):
            pass
        library.save(tmp_path / "out")
    assert list((tmp_path / "lib").rglob("*.fits"))
    assert {Path(path).parent for path in saved} == {tmp_path / "out"}
