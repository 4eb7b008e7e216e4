"""`cxr run`: every job that an analysis needs, by Snakemake, as one file graph.

config       the flags
command      the command from start to end
settings     the file with a section for each job, validated before anything starts
plan         the steps: jobs × tasks × seeds × shards, and the inputs of each
state        which steps are out of date, judged by the artifacts' headers
resources    threads and GPUs of each step; Snakemake's command line
folder       the files that Snakemake reads and writes
run_plan     runs the steps that are out of date
watch        starts Snakemake and follows the steps by their run records
slurm_queue  queries and cleans up the queue of a Slurm cluster
gpu          gives a step a GPU of its own
engine       the process that is Snakemake
Snakefile    the graph as Snakemake sees it
"""
