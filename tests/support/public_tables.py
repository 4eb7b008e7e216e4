"""Tables of public collections, a few made-up rows each, as the releases lay them out."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from radiographs import dataset, thorax

from cxrcore.sources import LabelRules, adapter, locate

CHEXPERT = """\
Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema
CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,
CheXpert-v1.0/train/patient00001/study1/view2_lateral.jpg,Female,68,Lateral,,1.0,
CheXpert-v1.0/train/patient00002/study1/view1_frontal.jpg,Male,0,Frontal,PA,,-1.0
CheXpert-v1.0/train/patient00003/study2/view1_frontal.jpg,Unknown,40,Frontal,LL,,1.0
"""
CHEXPERT_VALID = """\
Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema
CheXpert-v1.0/valid/patient00009/study1/view1_frontal.jpg,Male,73,Frontal,AP,0.0,1.0
"""
DEMOGRAPHICS = """\
PATIENT,GENDER,AGE_AT_CXR,PRIMARY_RACE,ETHNICITY
patient00001,Female,68,"White, Hispanic",Hispanic/Latino
patient00002,Male,0,Other,Unknown
patient00009,Male,73,Asian - Historical Conv,Not Hispanic
"""
CHEXPERT_PLUS = """\
path_to_image,frontal_lateral,ap_pa,deid_patient_id,patient_report_date_order,report,\
age,sex,race,interpreter_needed,insurance_type,recent_bmi,deceased
train/patient1/study1/view1_frontal.jpg,Frontal,AP,patient1,1,"Heart
normal, clear",68.0,Female,White,No,Medicare,26.7,No
train/patient1/study2/view1_lateral.jpg,Lateral,,patient1,2,"",69.0,Female,White,No,\
Private Insurance,26.7,No
train/patient2/study5/view1_frontal.jpg,Frontal,PA,patient2,1,"",,Unknown,\
Pacific Islander,No,Unknown,,Yes
valid/patient3/study1/view1_frontal.jpg,Frontal,PA,patient3,1,"",51.0,\
Male,Asian,Yes,Medicaid,22.0,No
"""
PADCHEST = """\
,ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,\
Projection,Report,Labels
0,a_1.png,0,20140915,s1,p1,1930.0,F,POSTEROANTERIOR,PA,sin hallazg .,['normal']
1,a_2.png,0,20140915,s1,p1,1930.0,F,LATERAL,L,sin hallazg .,['normal']
2,b_1.png,1,20100203,s2,p2,1980.0,M,,AP_horizontal,cardiomegali .,"['cardiomegaly', 'edema']"
3,c_1.png,1,20100204,s3,p3,,,,PA,,
"""
VINDR = """\
image_id,rad_id,Cardiomegaly,Pleural effusion,No finding
i1,R1,0,0,1
i1,R2,0,0,1
i1,R3,1,0,0
i2,R1,1,0,0
i2,R2,1,1,0
i2,R3,0,1,1
"""
VINDR_TEST = """\
image_id,Cardiomegaly,Pleural effusion,No finding
i3,0,0,1
"""
ROOT = {
    "chexpert": {"train.csv": CHEXPERT, "valid.csv": CHEXPERT_VALID},
    "chexpert-plus": {"df_chexpert_plus_240401.csv": CHEXPERT_PLUS},
    "padchest": {"PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv": PADCHEST},
    "vindr": {
        "annotations/image_labels_train.csv": VINDR,
        "annotations/image_labels_test.csv": VINDR_TEST,
    },
}
IMAGES = {
    "chexpert-plus": ("PNG/train/patient1/study1/view1_frontal.png",),
    "padchest": ("0/a_1.png", "0/a_2.png", "1/b_1.png"),
}


def write(source: str, root: Path) -> Path:
    """The collection `source` below `root`."""
    for name, text in ROOT[source].items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for name in IMAGES.get(source, ()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    if source == "vindr":
        (root / "train").mkdir()
        header = dataset(thorax(shape=(8, 8)), PatientSex="F", PatientAge="045Y")
        header.save_as(root / "train" / "i1.dicom", enforce_file_format=True)
        (root / "train" / "i2.dicom").write_bytes(b"no DICOM")
    return root


def read(source: str, root: Path, **files: Path) -> pl.DataFrame:
    """Its images, sorted by their ids."""
    found = adapter(source).read(locate(source, {"root": root, **files}), LabelRules())
    return found.sort("image_id")
