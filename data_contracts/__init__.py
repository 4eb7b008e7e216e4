"""Every artifact of a workspace: where it lives, what it holds, how it is read and written.

Read the contract files first: `cohort`, `images`, `model`, `attributions`, `summary`,
`synthetic`, `run`. `store` reads and writes them; `catalog` lists them.
"""
