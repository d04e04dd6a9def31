"""Small DICOM series, made with pydicom: classic, enhanced, CT, PET, diffusion and what is no image."""

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

STUDY, PLACE = (generate_uid(entropy_srcs=[word]) for word in ("study", "place"))
CLASSES = {"MR": "1.2.840.10008.5.1.4.1.1.4", "CT": "1.2.840.10008.5.1.4.1.1.2", "PT": "1.2.840.10008.5.1.4.1.1.128"}
ENHANCED = "1.2.840.10008.5.1.4.1.1.4.1"
SPACING = (1.5, 2.0, 4.0)  # of columns, rows and slices
ORIGIN = np.array([-20.0, 31.5, 7.25])


def voxels(seed=0, shape=(5, 16, 12)):
    """Return (slices, rows, columns), different everywhere."""
    return np.random.default_rng(seed).integers(10, 1000, shape).astype(np.uint16)


def directions(degrees=0.0):
    """Return unit vectors as columns: along a row, along a column, and the normal; turned about two axes."""
    angle = np.deg2rad(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    about_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return about_z @ about_x


def affine_of(axes):
    """Return the voxel to world map (4, 4), RAS, of an image with (columns, rows, slices) as its axes."""
    lps = np.eye(4)
    lps[:3, :3] = axes * SPACING
    lps[:3, 3] = ORIGIN
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def strings(values):
    return [f"{value:.10f}"[:16] for value in np.ravel(values)]


def header(number, modality="MR", description="t2_tse_tra", person="Doe^Jane", identifier="PAT4711", **fields):
    """Return what all files of a series share."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = CLASSES.get(modality, CLASSES["MR"])
    made.PatientName, made.PatientID, made.PatientBirthDate = person, identifier, "19610203"
    made.PatientSex, made.PatientAge, made.PatientWeight = "F", "050Y", "70"
    made.StudyInstanceUID, made.FrameOfReferenceUID = STUDY, PLACE
    made.StudyDate, made.StudyTime, made.StudyID, made.AccessionNumber = "20110707", "110000", "1", "A99"
    made.SeriesDate, made.SeriesTime = "20110707", "113000"
    made.AcquisitionDate, made.AcquisitionTime = "20110707", "113000"
    made.ReferringPhysicianName = "House^Gregory"
    made.SeriesInstanceUID = generate_uid(entropy_srcs=["series", str(number), identifier])
    made.SeriesNumber, made.SeriesDescription, made.Modality = number, description, modality
    made.Manufacturer, made.ManufacturerModelName = "SIEMENS", "Skyra"
    made.PatientPosition = "HFS"
    made.ImageType = ["ORIGINAL", "PRIMARY", "M"] if modality == "MR" else ["ORIGINAL", "PRIMARY", "AXIAL"]
    if modality == "MR":
        made.ScanningSequence, made.SequenceVariant, made.MRAcquisitionType = "SE", "SK", "2D"
        made.RepetitionTime, made.EchoTime, made.FlipAngle, made.MagneticFieldStrength = 5000, 100, 150, 3
    for keyword, value in fields.items():
        setattr(made, keyword, value)
    return made


def add_pixels(made, pixels):
    made.Rows, made.Columns = pixels.shape[-2:]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, 0
    made.PixelData = np.ascontiguousarray(pixels, dtype="<u2").tobytes()


def save(made, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dcmwrite(path, made, enforce_file_format=True)
    return path


def make_series(folder, number=1, modality="MR", pixels=None, degrees=0.0, change=None, **fields):
    """Write a classic series, a file without ending for each slice; ``change`` gets each file's header and number."""
    pixels, axes, files = voxels() if pixels is None else pixels, directions(degrees), []
    for n, image in enumerate(pixels):
        made = header(number, modality, **fields)
        made.SOPInstanceUID = generate_uid(entropy_srcs=["image", str(number), str(n), str(made.PatientID)])
        made.InstanceNumber = n + 1
        made.PixelSpacing, made.SliceThickness = [SPACING[1], SPACING[0]], SPACING[2]
        made.ImageOrientationPatient = strings(axes[:, :2].T)
        made.ImagePositionPatient = strings(ORIGIN + n * SPACING[2] * axes[:, 2])
        add_pixels(made, image)
        if change:
            change(made, n)
        files.append(save(made, folder / f"IM{number:02}{n:04}"))
    return files


def make_enhanced(folder, number=1, pixels=None, degrees=0.0, b_values=(), **fields):
    """Write a series as one enhanced multi-frame file; with b-values, each has a share of the frames."""
    pixels, axes = voxels() if pixels is None else pixels, directions(degrees)
    slices = len(pixels) // max(len(b_values), 1)
    made = header(number, **fields)
    for keyword in ("RepetitionTime", "EchoTime", "FlipAngle"):
        delattr(made, keyword)
    made.SOPClassUID, made.SOPInstanceUID = ENHANCED, generate_uid(entropy_srcs=["enhanced", str(number)])
    made.NumberOfFrames, made.InstanceNumber = len(pixels), 1
    shared = item(
        MRTimingAndRelatedParametersSequence=[item(RepetitionTime=5000, FlipAngle=150)],
        MREchoSequence=[item(EffectiveEchoTime=100)],
        PlaneOrientationSequence=[item(ImageOrientationPatient=strings(axes[:, :2].T))],
        PixelMeasuresSequence=[item(PixelSpacing=[SPACING[1], SPACING[0]], SliceThickness=SPACING[2])],
    )
    made.SharedFunctionalGroupsSequence = [shared]
    made.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=strings(ORIGIN + n % slices * SPACING[2] * axes[:, 2]))],
            FrameContentSequence=[
                item(
                    StackID="1",
                    InStackPositionNumber=n % slices + 1,
                    TemporalPositionIndex=n // slices + 1,
                    DimensionIndexValues=[1, n % slices + 1, n // slices + 1],
                )
            ],
            **weighting(b_values[n // slices] if b_values else None),
        )
        for n in range(len(pixels))
    ]
    add_pixels(made, pixels)
    return save(made, folder / f"ENH{number}")


def weighting(b):
    if b is None:
        return {}
    kind = "NONE" if b == 0 else "ISOTROPIC"
    return {"MRDiffusionSequence": [item(DiffusionBValue=float(b), DiffusionDirectionality=kind)]}


def make_pet(folder, number=1, pixels=None, slope=2.0, drug=None, **fields):
    """Write a PET in Bq/mL, 350 MBq of FDG injected 60 min before the scan."""
    tracer = item(
        Radiopharmaceutical="FDG -- fluorodeoxyglucose",
        RadiopharmaceuticalStartTime="103000.00",
        RadionuclideTotalDose="350000000",
        RadionuclideHalfLife="6586.2",
    )
    for keyword, value in (drug or {}).items():
        setattr(tracer, keyword, value)
    own = {
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
        "RadiopharmaceuticalInformationSequence": [tracer],
        "RescaleSlope": slope,
        "RescaleIntercept": 0,
        "description": "PET AC",
    }
    return make_series(folder, number, "PT", pixels, **(own | fields))


def item(**values):
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made
