"""What MultiMin's two tutorials type, with mogfit imported in its place."""

from __future__ import annotations

import pickle
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import mogfit as mn

SAMPLES = Path(__file__).parents[1] / "benchmarks" / "data"


@pytest.fixture(autouse=True)
def _figures_without_a_screen(tmp_path, monkeypatch):
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    state = np.random.get_state()  # noqa: NPY002  (the scripts seed it)
    yield
    plt.close("all")
    np.random.set_state(state)  # noqa: NPY002


def test_the_tutorial(capsys):
    np.random.seed(1)  # noqa: NPY002
    MoG = mn.MixtureOfGaussians(mus=[0, 2.5], weights=[0.2, 0.8], Sigmas=[1, 0.25])
    MoG.update_params(weights=[0.5, 0.5])
    G = MoG.plot_sample(N=1000, properties=["u"], sargs={"s": 0.5})
    G = MoG.plot_sample(N=1000, properties={"u": {"label": "$u$", "range": [-4, 5]}})
    G.fig.savefig("sample.png")
    MoG.describe()
    assert "plot_sample()" in capsys.readouterr().out
    assert MoG.rvs(5000)[:10].shape == (10, 1)
    assert MoG.pdf(1.3) == pytest.approx(0.10807882631874657, rel=1e-13)

    Sigmas = mn.Stats.calc_covariance_from_rotation(
        [[1, 1.2, 2.3], [0.8, 0.2, 3.3]],
        (np.array([[10, 30, 20], [-20, 0, 30]]) * np.pi / 180).tolist(),
    )
    MoG3 = mn.MixtureOfGaussians(
        mus=[[1, 0.5, -0.5], [1, -0.5, 0.5]], weights=[0.5, 0.5], Sigmas=Sigmas
    )
    properties = {name: {"label": f"${name}$", "range": None} for name in "xyz"}
    G = MoG3.plot_pdf(properties=properties, figsize=3, cmap="Spectral_r", marginals=True)
    data3 = np.load(SAMPLES / "tutorial_3d.npy")
    G = mn.MultiPlot(properties, figsize=3)
    G.mog_pdf(MoG3, cmap="Spectral_r")
    G.mog_contour(MoG3, levels=50, linewidth=0.1, alpha=0.3)
    assert len(G.sample_scatter(data3, s=0.2, color="r")) == 3
    G.fig.savefig("overlay.png")

    data = np.load(SAMPLES / "tutorial_1d.npy")
    U = mn.MultiPlot({"u": {"label": "$u$", "range": None}}, figsize=3)
    U.mog_pdf(MoG, color="k", lw=2)
    U.sample_hist(data, bins=50)
    U.sample_scatter(data, s=0.5)
    U.fig.savefig("univariate.png")

    F = mn.FitMoG(data=data, ngauss=1)
    F.fit_data(progress="tqdm")
    F = mn.FitMoG(data=data, ngauss=2)
    F.fit_data()
    assert F.norm_log_l() <= 1.6373736
    G = F.plot_fit(properties=["u"], hargs={"bins": 50}, sargs={"s": 0.5}, pargs={"color": "r"})
    F.fig.savefig(f"gallery_{F.prefix}.png")
    assert F.prefix.startswith("2mog_")
    table = F.mog.tabulate("distance")
    assert (abs(table.w - 0.5) < 0.05).all()
    _, mog = F.mog.get_function()
    assert "def mog(X):" in capsys.readouterr().out
    assert mog(0.2) == pytest.approx(F.mog.pdf(0.2), rel=1e-5)

    F3 = mn.FitMoG(data=data3, ngauss=2)
    F3.fit_data(advance=10)
    assert F3.norm_log_l() <= 4.913509
    G = F3.plot_fit(
        properties=properties,
        figsize=3,
        hargs=None,
        sargs={"s": 0.5, "edgecolor": "None", "color": "r"},
        pargs={"cmap": "YlGn"},
        cargs={"levels": 10, "cmap": "Reds"},
        marginals=True,
    )
    ks, R2 = F3.quality_of_fit(plot_qq=True)
    assert ks < 0.03
    assert R2 > 0.98
    F3.fig_qq.savefig("qq.png")
    _, mog = F3.mog.get_function(cmog=False)
    # Parameters of six decimals leave this of the density three sigmas out.
    np.testing.assert_allclose(mog(data3[:20]), F3.mog.pdf(data3[:20]), rtol=1e-3)
    latex, none = F3.mog.get_function(type="latex")
    assert none is None
    assert "$$" in latex
    assert r"\begin{tabular}" in F3.mog.tabulate(type="latex")
    F3.save_fit("fit.pkl", useprefix=False)
    again = mn.FitMoG("fit.pkl")
    np.testing.assert_array_equal(again.minparams, F3.minparams)
    assert again.log_l(data3) == F3.log_l(data3)


def test_the_truncated_tutorial():
    MoG = mn.MixtureOfGaussians(
        mus=[0.2, 0.8], weights=[0.5, 0.5], Sigmas=[0.01, 0.03], domain=[[0, 1]]
    )
    MoG.tabulate()
    MoG.get_function(print_code=False)
    MoG.plot_sample(N=500, properties=["x"], ranges=[[0, 1]], hargs={"bins": 20})
    assert MoG.pdf(0.5) == pytest.approx(0.3160530018742784, rel=1e-13)
    assert MoG.pdf(-0.1) == 0.0
    np.random.seed(42)  # noqa: NPY002
    assert len(MoG.rvs(5000)) == 5000
    F = mn.FitMoG(data=np.load(SAMPLES / "truncated_1d.npy"), ngauss=2, domain=[[0, 1]])
    F.fit_data(advance=10)
    F.plot_fit(properties=["x"], hargs={"bins": 20}, sargs={"s": 0.5}, ranges=[[0, 1]])
    table = F.mog.tabulate("distance")
    np.testing.assert_allclose(table[["w", "mu_1", "var_1"]].to_numpy(), [
        [0.509835, 0.199924, 0.010318],
        [0.490165, 0.788830, 0.028471],
    ], atol=2e-5)  # fmt: skip
    data = np.load(SAMPLES / "truncated_3d.npy")
    F = mn.FitMoG(data=data, ngauss=2, domain=[None, [0, 1], None])
    F.fit_data(advance=30)
    mog = F.mog
    mog.plot_sample(data=data, ranges=[None, [0, 1], None], hargs={}, sargs={}, marginals=True)
    F.plot_fit(pargs=None, cargs={}, sargs={"s": 0.5})
    _, function = mog.get_function(print_code=False)
    X = np.array([0, 0.3, 1.2])
    assert function(X) == pytest.approx(mog.pdf(X), rel=1e-4)
    np.testing.assert_allclose(np.sort(np.exp(mog.log_masses)), [0.973549, 0.976663], atol=2e-4)
    mog.get_function(type="latex", print_code=False)
    assert pickle.loads(pickle.dumps(F)).mog.pdf(X) == mog.pdf(X)
