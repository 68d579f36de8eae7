from stdatamodels.jwst.datamodels import dqflags

from jwst_cal import flags


def test_bits_are_those_of_the_data_model():
    assert flags.pixel == dqflags.pixel
    assert flags.group == dqflags.group
