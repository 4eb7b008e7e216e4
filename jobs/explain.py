"""Map where a trained network finds its evidence: a raw map of every class, every test image."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT
from data_contracts.images import IMAGES
from data_contracts.model import MODEL
from jobs._config import JobConfig
from jobs._job import Job

READS = (COHORT, IMAGES, MODEL)
WRITES = (ATTRIBUTIONS,)


class Config(JobConfig):
    """What to explain."""

    task: str = Field(pattern=r"^[A-Za-z0-9_]{1,64}$")
    """The task of the model."""
    name: str = Field(default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    """The name of the model."""
    method: str = Field(default="gradcam", pattern=r"^[a-z0-9_]{1,32}$")
    """The attribution method: gradcam or layercam."""
    split: Literal["train", "val", "test"] = "test"
    """The split whose images are explained."""
    batch_size: int = Field(default=32, ge=1, le=65_536, exclude=True)
    """Images per step."""
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", exclude=True)
    """Where to compute; auto takes a GPU if there is one."""


def run(config: Config, job: Job) -> None:
    """Run the network once over the split and keep the raw map of every class."""
    import numpy as np

    from cxrcore.aligned import MeanImages
    from cxrcore.attribution import explainer
    from cxrcore.lung_field import lung_box
    from cxrcore.networks import NetworkRecipe, restore
    from cxrcore.store import ImageStore, in_batches
    from cxrcore.targets import targets_of
    from cxrcore.training import device_of
    from cxrcore.transforms import to_input

    device = device_of(config.device)
    with job.opened(MODEL) as (model,), job.opened(IMAGES) as shards:
        store = ImageStore(shards)
        facts = model.header.attributes
        recipe = NetworkRecipe.from_attributes(facts)
        network = restore(recipe, {n: model.read(n) for n in model.names()}).to(device)
        targets = targets_of(job.table(COHORT).frame, config.task, store.image_ids)
        rows = np.flatnonzero(targets.splits == config.split)
        bbox, means = store.content_bbox(), MeanImages(store.size, store.dtype)
        maps_of, method = explainer(network, config.method)
        output = "logit" if targets.kind == "classes" else "standard deviation"
        kept = ("task", "name", "target_kind", "classes", "input_size")
        about = {k: facts[k] for k in kept} | {
            "split": config.split, "method": config.method, "layer": method.layer,
            "unit": method.unit.format(output=output),
        }  # fmt: skip
        with (
            job.writer(ATTRIBUTIONS, **about) as writer,
            job.progress(f"explain {config.task}", len(rows), "images") as advance,
        ):
            for batch, images in store.batches(in_batches(rows, config.batch_size)):
                maps, outputs = maps_of(to_input(images, recipe.mean, recipe.std, device))
                ids = [store.image_ids[i] for i in batch]
                boxes = np.stack([*map(lung_box, images, bbox[batch])])
                writer.append(image_id=ids, maps=maps, outputs=outputs, lung_box=boxes)
                means.add(images, boxes)
                advance(len(batch))
            writer.put("mean_image", means.mean)
            writer.put("aligned_mean_image", means.aligned)
