"""`cxr run`: every job that an analysis needs, by Snakemake, as one file graph.

config    the flags
command   the command from start to end
settings  the file with a section for each job, checked before anything starts
plan      which commands there are: jobs × tasks × seeds × shards, and what each of them reads
state     what is left to do, judged by the artifacts' headers
conduct   starts the engine and tells what becomes of the jobs
slurm     how it stands with the queue of a cluster
engine    the process that is Snakemake
Snakefile the graph as Snakemake sees it
"""
